{{/* The pod template of the agents' pods: what the values ask for, and agents.podTemplate merged over it. */}}

{{- define "ablehand.run.template" -}}
{{- $agents := .Values.agents -}}
{{- $theirs := $agents.podTemplate.spec | default dict -}}
{{- $spec := dict "serviceAccountName" (printf "%s-run" (include "ablehand.fullname" .)) -}}
{{- range $key := list "nodeSelector" "runtimeClassName" "priorityClassName" "hostAliases" -}}
{{- with get $agents $key -}}
{{- $_ := set $spec $key (deepCopy .) -}}
{{- end -}}
{{- end -}}
{{- range $agents.imagePullSecrets -}}
{{- $_ := set $spec "imagePullSecrets" (append ($spec.imagePullSecrets | default list) (dict "name" .)) -}}
{{- end -}}
{{- $spec = mergeOverwrite $spec (omit $theirs "tolerations" "volumes" "initContainers" "containers") -}}
{{- with concat $agents.tolerations ($theirs.tolerations | default list) -}}
{{- $_ := set $spec "tolerations" . -}}
{{- end -}}
{{- with concat (include "ablehand.run.ca" . | fromJsonArray) ($theirs.volumes | default list) -}}
{{- $_ := set $spec "volumes" . -}}
{{- end -}}
{{- $prepare := include "ablehand.run.container" (dict "root" . "name" "prepare" "theirs" $theirs.initContainers) | fromJson -}}
{{- $agent := include "ablehand.run.container" (dict "root" . "name" "agent" "theirs" $theirs.initContainers) | fromJson -}}
{{- $publish := include "ablehand.run.container" (dict "root" . "name" "publish" "theirs" $theirs.containers) | fromJson -}}
{{- $_ := set $spec "initContainers" (list $prepare $agent) -}}
{{- $_ := set $spec "containers" (list $publish) -}}
{{- merge (dict "spec" $spec) (omit $agents.podTemplate "spec") | toYaml }}
{{- end }}

{{/* The volume with the authorities, as a JSON array of one or none. */}}
{{- define "ablehand.run.ca" -}}
{{- $own := printf "%s-ca" (include "ablehand.fullname" .) -}}
{{- $ca := dict "certificate" .Values.ca.certificate "key" .Values.ca.key -}}
{{- $_ := set $ca "existingConfigMap" (default .Values.ca.existingConfigMap .Values.ca.agentsConfigMap) -}}
{{- with include "ablehand.ca.source" (dict "ca" $ca "own" $own) -}}
{{- list (merge (dict "name" "ca") (fromYaml .)) | toJson }}
{{- else -}}
[]
{{- end }}
{{- end }}

{{/* One container: {root, name, theirs}; theirs are the containers of agents.podTemplate. */}}
{{- define "ablehand.run.container" -}}
{{- $values := .root.Values -}}
{{- $name := .name -}}
{{- $container := dict "name" $name "imagePullPolicy" $values.runtimeImage.pullPolicy "resources" (get $values.agents.resources $name) -}}
{{- $env := $values.agents.env -}}
{{- $mounts := list -}}
{{- if include "ablehand.run.ca" .root | fromJsonArray -}}
{{- $mounts = append $mounts (dict "name" "ca" "mountPath" "/etc/ablehand-ca" "readOnly" true) -}}
{{- range $variable := list "GIT_SSL_CAINFO" "NODE_EXTRA_CA_CERTS" -}}
{{- $env = append $env (dict "name" $variable "value" "/etc/ablehand-ca/ca.crt") -}}
{{- end -}}
{{- end -}}
{{- range .theirs -}}
{{- if eq .name $name -}}
{{- $container = mergeOverwrite (deepCopy $container) (omit . "env" "volumeMounts") -}}
{{- $env = concat $env (.env | default list) -}}
{{- $mounts = concat $mounts (.volumeMounts | default list) -}}
{{- end -}}
{{- end -}}
{{- $container = merge $container (ternary (dict "env" $env) dict (gt (len $env) 0)) -}}
{{- merge $container (ternary (dict "volumeMounts" $mounts) dict (gt (len $mounts) 0)) | toJson }}
{{- end }}
