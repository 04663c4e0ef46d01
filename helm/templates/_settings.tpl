{{/* Settings and secrets: which variable comes from which value. */}}

{{/* A value as a variable's text: whole numbers without an exponent, lists with commas, objects as JSON. */}}
{{- define "ablehand.text" -}}
{{- if kindIs "slice" . -}}
{{- join "," . }}
{{- else if kindIs "map" . -}}
{{- toJson . }}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- int64 . }}
{{- else -}}
{{- toString . }}
{{- end }}
{{- end }}

{{/* The settings that are no secrets, for bot, worker and reconciler alike. */}}
{{- define "ablehand.settings" -}}
ABLEHAND_GITLAB_URL: {{ .Values.gitlab.url | quote }}
ABLEHAND_PUBLIC_URL: {{ .Values.publicUrl | quote }}
ABLEHAND_OIDC_CLIENT_ID: {{ .Values.signIn.clientId | quote }}
ABLEHAND_PAGES_CLOSED: {{ empty .Values.signIn.clientId | quote }}
ABLEHAND_EXECUTOR: kubernetes
ABLEHAND_NAMESPACE: {{ include "ablehand.agents.namespace" . | quote }}
ABLEHAND_INSTALLATION: {{ printf "%s.%s" .Release.Namespace .Release.Name | trunc 63 | trimAll "-._" | quote }}
ABLEHAND_RUNTIME_IMAGE: {{ include "ablehand.image.runtime" . | quote }}
ABLEHAND_ALLOWED_IMAGES: {{ include "ablehand.text" .Values.agents.allowedImages | quote }}
ABLEHAND_AGENT: {{ .Values.agents.agent | quote }}
ABLEHAND_AGENT_COMMAND: {{ .Values.agents.command | quote }}
ABLEHAND_AGENT_VARIABLES: {{ include "ablehand.agent.names" . | fromJsonArray | join "," | quote }}
{{- with include "ablehand.mcp.servers" . | fromJson }}
ABLEHAND_MCP_SERVERS: /etc/ablehand/mcp-servers.yaml
{{- end }}
ABLEHAND_MCP_VARIABLES: {{ include "ablehand.mcp.variables" . | fromJson | keys | sortAlpha | join "," | quote }}
ABLEHAND_PROJECT_MCP: {{ .Values.mcp.fromProjects | quote }}
ABLEHAND_SETUP_CACHE_CLAIM: {{ .Values.agents.setupCache.existingClaim | quote }}
ABLEHAND_MODEL: {{ .Values.model.name | quote }}
ABLEHAND_BUDGET_USD: {{ include "ablehand.text" .Values.model.budgetUsd | quote }}
ABLEHAND_LOG_ARCHIVE: {{ .Values.logs.archive.url | quote }}
ABLEHAND_LOG_DAYS: {{ include "ablehand.text" .Values.logs.days | quote }}
ABLEHAND_MAX_RUNS: {{ include "ablehand.text" .Values.agents.maxRuns | quote }}
{{- range $name, $value := .Values.settings }}
ABLEHAND_{{ upper $name }}: {{ include "ablehand.text" $value | quote }}
{{- end }}
{{- end }}

{{/* The agent's variables that the release's own Secret holds, as a JSON object. */}}
{{- define "ablehand.agent.own" -}}
{{- $own := deepCopy .Values.agents.variables.values -}}
{{- if not .Values.model.existingSecret -}}
{{- range $name, $value := dict "ANTHROPIC_API_KEY" .Values.model.apiKey "ANTHROPIC_AUTH_TOKEN" .Values.model.authToken -}}
{{- if $value -}}
{{- $_ := set $own $name (trim $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $own | toJson }}
{{- end }}

{{/* The names of all variables that the agent gets, as a JSON array. */}}
{{- define "ablehand.agent.names" -}}
{{- $names := keys (include "ablehand.agent.own" . | fromJson) -}}
{{- if .Values.model.existingSecret -}}
{{- $names = concat $names (list "ANTHROPIC_API_KEY" "ANTHROPIC_AUTH_TOKEN" "ANTHROPIC_BASE_URL") -}}
{{- end -}}
{{- if .Values.model.baseUrl -}}
{{- $names = append $names "ANTHROPIC_BASE_URL" -}}
{{- end -}}
{{- concat $names .Values.agents.variables.names | uniq | sortAlpha | toJson }}
{{- end }}

{{/* The same variables in the environment of worker and reconciler: one hands them on, the other keeps them out of logs. */}}
{{- define "ablehand.agent.env" -}}
{{- $values := .Values -}}
{{- $own := include "ablehand.agent.own" . | fromJson -}}
{{- $secret := printf "%s-model" (include "ablehand.fullname" .) -}}
{{- range $name := include "ablehand.agent.names" . | fromJsonArray }}
- name: {{ $name }}
{{- if hasKey $own $name }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $name }}}}
{{- else if has $name $values.agents.variables.names }}
  valueFrom: {secretKeyRef: {name: {{ $values.agents.variables.existingSecret }}, key: {{ $name }}}}
{{- else if and (eq $name "ANTHROPIC_BASE_URL") $values.model.baseUrl }}
  value: {{ $values.model.baseUrl | quote }}
{{- else }}
  valueFrom: {secretKeyRef: {name: {{ $values.model.existingSecret }}, key: {{ $name }}, optional: true}}
{{- end }}
{{- end }}
{{- end }}

{{- define "ablehand.secret.gitlab" -}}
{{- default (printf "%s-gitlab" (include "ablehand.fullname" .)) .Values.gitlab.existingSecret }}
{{- end }}

{{- define "ablehand.secret.webhook" -}}
{{- default (printf "%s-webhook" (include "ablehand.fullname" .)) .Values.webhook.existingSecret }}
{{- end }}

{{- define "ablehand.secret.sign-in" -}}
{{- default (printf "%s-sign-in" (include "ablehand.fullname" .)) .Values.signIn.existingSecret }}
{{- end }}

{{- define "ablehand.secret.redis" -}}
{{- $theirs := ternary .Values.redis.auth.existingSecret .Values.redis.external.existingSecret .Values.redis.bundled -}}
{{- default (printf "%s-redis" (include "ablehand.fullname" .)) $theirs }}
{{- end }}

{{/* Changes with every secret that the values hold: a process reads its secrets once. */}}
{{- define "ablehand.secrets.checksum" -}}
{{- $redis := list .Values.redis.bundled .Values.redis.auth .Values.redis.external -}}
{{- list .Values.gitlab .Values.webhook .Values.signIn .Values.model .Values.agents.variables .Values.mcp $redis | toJson | sha256sum }}
{{- end }}
