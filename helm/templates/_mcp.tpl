{{/* The MCP servers that every agent gets: a file for worker and reconciler, and variables with their credentials. */}}

{{/* What is switched on, as a JSON object of names to servers in the shape of a .mcp.json. */}}
{{- define "ablehand.mcp.servers" -}}
{{- $mcp := .Values.mcp -}}
{{- $servers := dict -}}
{{- if $mcp.gitlab.enabled -}}
{{- $env := dict "GITLAB_API_URL" (printf "%s/api/v4" (trimSuffix "/" .Values.gitlab.url)) "GITLAB_PERSONAL_ACCESS_TOKEN" "${MCP_GITLAB_TOKEN}" "GITLAB_PERMISSION_MODE" (ternary "readonly" "full" $mcp.gitlab.readOnly) "GITLAB_DISABLE_VERSION_CHECK" "true" -}}
{{- $_ := set $servers "gitlab" (dict "command" "mcp-gitlab" "env" $env) -}}
{{- end -}}
{{- if $mcp.jira.enabled -}}
{{- $env := dict "JIRA_URL" $mcp.jira.url "READ_ONLY_MODE" (toString $mcp.jira.readOnly) -}}
{{- if $mcp.jira.username -}}
{{- $env = merge $env (dict "JIRA_USERNAME" $mcp.jira.username "JIRA_API_TOKEN" "${MCP_JIRA_TOKEN}") -}}
{{- else -}}
{{- $_ := set $env "JIRA_PERSONAL_TOKEN" "${MCP_JIRA_TOKEN}" -}}
{{- end -}}
{{- $_ := set $servers "jira" (dict "command" "mcp-atlassian" "env" $env) -}}
{{- end -}}
{{- if $mcp.coda.enabled -}}
{{- $env := dict "CODA_API_TOKEN" "${MCP_CODA_TOKEN}" "CODA_READ_ONLY" (toString $mcp.coda.readOnly) -}}
{{- $_ := set $servers "coda" (dict "command" "mcp-coda" "env" $env) -}}
{{- end -}}
{{- mergeOverwrite $servers (deepCopy $mcp.servers) | toJson }}
{{- end }}

{{- define "ablehand.mcp.file" -}}
{{- dict "mcpServers" (include "ablehand.mcp.servers" . | fromJson) | toYaml }}
{{- end }}

{{/* Variables of the servers: name to Secret and key, as a JSON object. */}}
{{- define "ablehand.mcp.variables" -}}
{{- $variables := dict -}}
{{- range $name := list "gitlab" "jira" "coda" -}}
{{- with get $.Values.mcp $name -}}
{{- if .enabled -}}
{{- $_ := set $variables (printf "MCP_%s_TOKEN" (upper $name)) (dict "name" .existingSecret "key" "token") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := .Values.mcp.variables.names -}}
{{- $_ := set $variables $name (dict "name" $.Values.mcp.variables.existingSecret "key" $name) -}}
{{- end -}}
{{- $variables | toJson }}
{{- end }}

{{/* The same in the environment of worker and reconciler: one hands them on, the other keeps them out of logs. */}}
{{- define "ablehand.mcp.env" -}}
{{- range $name, $reference := include "ablehand.mcp.variables" . | fromJson }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {name: {{ $reference.name }}, key: {{ $reference.key }}}}
{{- end }}
{{- end }}
