{{/* Where agents may send to. */}}

{{/* The port of a URL: {url}. */}}
{{- define "ablehand.port" -}}
{{- $parts := urlParse .url -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $parts.host) | default (ternary "80" "443" (eq $parts.scheme "http")) }}
{{- end }}

{{/* A rule to a destination's peers and ports: {root, destination, url}. */}}
{{- define "ablehand.egress" -}}
{{- $ports := .destination.ports | default (list (include "ablehand.port" . | int64)) -}}
- ports:
    {{- range $ports }}
    - {protocol: TCP, port: {{ int64 . }}}
    {{- end }}
  to:
    {{- if .destination.to }}
    {{- toYaml .destination.to | nindent 4 }}
    {{- else }}
    {{- $blocked := concat .root.Values.agents.networkPolicy.blockedCidrs (include "ablehand.api.cidrs" (dict "root" .root "ports" $ports) | fromJsonArray) | uniq }}
    {{- range $anywhere := list "0.0.0.0/0" "::/0" }}
    - ipBlock:
        cidr: {{ $anywhere }}
        except:
        {{- range $blocked }}
        {{- if eq (contains ":" .) (contains ":" $anywhere) }}
          - {{ . }}
        {{- end }}
        {{- end }}
    {{- end }}
    {{- end }}
{{- end }}

{{/* The API server's addresses: {root, ports}, as a JSON array. Those found by looking are left out where it listens on
     another port than we open: GitLab may be behind the same address. */}}
{{- define "ablehand.api.cidrs" -}}
{{- $found := .root.Values.agents.networkPolicy.apiServerCidrs -}}
{{- if and (not $found) .root.Values.agents.createNamespace -}}
{{- $addresses := dig "spec" "clusterIPs" list (lookup "v1" "Service" "default" "kubernetes") -}}
{{- $slice := lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "kubernetes" -}}
{{- $ports := .ports -}}
{{- range $port := dig "ports" list $slice -}}
{{- if has (int64 $port.port) $ports -}}
{{- range dig "endpoints" list $slice -}}
{{- $addresses = concat $addresses .addresses -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $addresses -}}
{{- $found = append $found (printf "%s/%s" . (ternary "128" "32" (contains ":" .))) -}}
{{- end -}}
{{- end -}}
{{- $found | toJson }}
{{- end }}
