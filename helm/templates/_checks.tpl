{{/* What the schema can't say: what is missing, and what goes ill together. One sentence each; no secret's value. */}}
{{- define "ablehand.checks" -}}
{{- $wrong := concat (include "ablehand.checks.missing" . | fromJsonArray) (include "ablehand.checks.clashes" . | fromJsonArray) -}}
{{- $wrong = concat $wrong (include "ablehand.checks.kinds" . | fromJsonArray) -}}
{{- if $wrong -}}
{{- printf "\n\n  - %s\n" (join "\n  - " $wrong) | fail }}
{{- end }}
{{- end }}

{{- define "ablehand.checks.missing" -}}
{{- $wrong := list -}}
{{- with .Values -}}
{{- if not .publicUrl -}}
{{- $wrong = append $wrong "Set publicUrl: where people and GitLab reach the bot, such as https://ablehand.example.com." -}}
{{- end -}}
{{- if not .gitlab.url -}}
{{- $wrong = append $wrong "Set gitlab.url: the base URL of your GitLab." -}}
{{- end -}}
{{- if not (or .gitlab.token .gitlab.existingSecret) -}}
{{- $wrong = append $wrong "Set gitlab.token (an access token of the bot's user with the scope api), or gitlab.existingSecret." -}}
{{- end -}}
{{- if not (or .webhook.signingToken .webhook.secret .webhook.existingSecret) -}}
{{- $wrong = append $wrong "Set webhook.signingToken (webhook.secret for a GitLab before 19.0), or webhook.existingSecret." -}}
{{- end -}}
{{- if and (not .signIn.clientId) (or .signIn.clientSecret .signIn.existingSecret) -}}
{{- $wrong = append $wrong "Set signIn.clientId: the application on GitLab that people sign in with (docs/api.md)." -}}
{{- end -}}
{{- if and .signIn.clientId (not (or .signIn.clientSecret .signIn.existingSecret)) -}}
{{- $wrong = append $wrong "Set signIn.clientSecret, or signIn.existingSecret." -}}
{{- end -}}
{{- if and (eq .agents.agent "claude") (not (or .model.apiKey .model.authToken .model.existingSecret)) -}}
{{- $wrong = append $wrong "Set model.apiKey (model.authToken for a gateway), or model.existingSecret." -}}
{{- end -}}
{{- with get (dict "codex" "OPENAI_API_KEY" "gemini" "GEMINI_API_KEY") .agents.agent -}}
{{- if not (has . (include "ablehand.agent.names" $ | fromJsonArray)) -}}
{{- $wrong = append $wrong (printf "Set agents.variables.values.%s, or name it in agents.variables.names, a key of agents.variables.existingSecret." .) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .agents.agent "command") (not .agents.command) -}}
{{- $wrong = append $wrong "Set agents.command: the program that agents.agent=command runs." -}}
{{- end -}}
{{- if not (or .redis.bundled .redis.external.url .redis.external.existingSecret) -}}
{{- $wrong = append $wrong "Set redis.external.url or redis.external.existingSecret, or redis.bundled=true." -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson }}
{{- end }}

{{- define "ablehand.checks.clashes" -}}
{{- $wrong := list -}}
{{- if eq (include "ablehand.agents.namespace" .) .Release.Namespace -}}
{{- $wrong = append $wrong "agents.namespace must not be the release's namespace: whoever makes pods there can read its Secrets. Leave it empty, or name another." -}}
{{- end -}}
{{- with .Values -}}
{{- range $name, $url := dict "publicUrl" .publicUrl "gitlab.url" .gitlab.url "model.baseUrl" .model.baseUrl -}}
{{- if not (regexMatch "^([^@?#\\s]+|)$" $url) -}}
{{- $wrong = append $wrong (printf "%s must be a URL without credentials and query." $name) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^(whsec_[^,]+(,|$))*$" (nospace .webhook.signingToken)) -}}
{{- $wrong = append $wrong "webhook.signingToken must begin with whsec_, as GitLab shows it; a hook's secret token goes into webhook.secret." -}}
{{- end -}}
{{- if not (regexMatch "^((rediss?|unix)://|rediss?\\+sentinel://.+/.+|$)" .redis.external.url) -}}
{{- $wrong = append $wrong "redis.external.url must begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://; Sentinel needs the master's name in the path." -}}
{{- end -}}
{{- range list "name" "instance" "component" -}}
{{- if hasKey $.Values.podLabels (printf "app.kubernetes.io/%s" .) -}}
{{- $wrong = append $wrong (printf "podLabels must not have app.kubernetes.io/%s: pods are selected by it." .) -}}
{{- end -}}
{{- end -}}
{{- if and .redis.bundled (or .redis.external.url .redis.external.existingSecret) -}}
{{- $wrong = append $wrong "redis.external is set: set redis.bundled=false as well." -}}
{{- end -}}
{{- if not (regexMatch "^([A-Za-z0-9._~-]{16,}|)$" .redis.auth.password) -}}
{{- $wrong = append $wrong "redis.auth.password must be 16 or more letters, digits and ._~-: it is part of a URL." -}}
{{- end -}}
{{- if and .ingress.enabled (trimAll "/" (urlParse .publicUrl).path) -}}
{{- $wrong = append $wrong "publicUrl has a path, which the Ingress would not take off: use a host of its own, or set ingress.enabled=false and a proxy that does." -}}
{{- end -}}
{{- with .agents.podTemplate.spec -}}
{{- range concat (.initContainers | default list) (.containers | default list) -}}
{{- if not (has .name (list "prepare" "agent" "publish")) -}}
{{- $wrong = append $wrong (printf "agents.podTemplate: there is no container %s; prepare and agent are initContainers, publish is the one of containers." (toString .name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .agents.variables.names (not .agents.variables.existingSecret) -}}
{{- $wrong = append $wrong "Set agents.variables.existingSecret: agents.variables.names are keys of it." -}}
{{- end -}}
{{- range $name := list "gitlab" "jira" "coda" -}}
{{- $server := get $.Values.mcp $name -}}
{{- if and $server.enabled (not $server.existingSecret) -}}
{{- $wrong = append $wrong (printf "Set mcp.%s.existingSecret: a Secret of the release's namespace whose key `token` is the server's credential." $name) -}}
{{- end -}}
{{- end -}}
{{- if and .mcp.jira.enabled (not .mcp.jira.url) -}}
{{- $wrong = append $wrong "Set mcp.jira.url: the base URL of your Jira." -}}
{{- end -}}
{{- if and .mcp.variables.names (not .mcp.variables.existingSecret) -}}
{{- $wrong = append $wrong "Set mcp.variables.existingSecret: mcp.variables.names are keys of it." -}}
{{- end -}}
{{- range .mcp.variables.names -}}
{{- if has . (include "ablehand.agent.names" $ | fromJsonArray) -}}
{{- $wrong = append $wrong (printf "%s is a variable of the agent and of the MCP servers: give the servers one of another name." .) -}}
{{- end -}}
{{- end -}}
{{- if and .ca.existingSecret (not .ca.certificate) (not .ca.agentsConfigMap) -}}
{{- $wrong = append $wrong "Agents can't mount ca.existingSecret: set ca.agentsConfigMap to a ConfigMap of the agents' namespace." -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson }}
{{- end }}

{{/* Kinds that the cluster may lack. Where none was asked, as by `helm template`, groups are known and no kinds. */}}
{{- define "ablehand.checks.kinds" -}}
{{- $wrong := list -}}
{{- $known := .Capabilities.APIVersions -}}
{{- $wanted := dict "ServiceMonitor" (ternary "serviceMonitor.enabled" "" .Values.serviceMonitor.enabled) "PrometheusRule" (ternary "metrics.alerts.enabled" "" .Values.metrics.alerts.enabled) -}}
{{- range $kind, $value := $wanted -}}
{{- if and $value ($known.Has "apps/v1/Deployment") (not ($known.Has (printf "monitoring.coreos.com/v1/%s" $kind))) -}}
{{- $wrong = append $wrong (printf "%s: this cluster has no %s, a kind of the Prometheus operator's. Install the operator first, or leave it off." $value $kind) -}}
{{- end -}}
{{- end -}}
{{- $wrong | toJson }}
{{- end }}
