{{/* What the pods of bot, worker, reconciler and Redis share. */}}

{{/* Metadata of a pod: {root, component, values, checksums}. Labels that change with the chart would restart Redis. */}}
{{- define "ablehand.pod.metadata" -}}
labels:
  {{- include "ablehand.selector" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  {{- range $what, $sum := .checksums }}
  checksum/{{ $what }}: {{ $sum }}
  {{- end }}
  {{- with .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What bot, worker and reconciler read once, at their start: {root}. */}}
{{- define "ablehand.checksums" -}}
{{- $cas := list .root.Values.ca .root.Values.redis.external.ca -}}
settings: {{ include "ablehand.settings" .root | sha256sum }}
secrets: {{ include "ablehand.secrets.checksum" .root }}
ca: {{ $cas | toJson | sha256sum }}
{{- end }}

{{/* Who runs it, where, and how it is kept in: {root, component, values}. */}}
{{- define "ablehand.pod.placement" -}}
{{- $scheduling := mergeOverwrite (deepCopy .root.Values.scheduling) .values.scheduling -}}
{{- $selector := include "ablehand.selector" . | fromYaml -}}
{{- $over_nodes := dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" -}}
serviceAccountName: {{ include "ablehand.fullname" .root }}-{{ .component }}
automountServiceAccountToken: {{ has .component (list "worker" "reconciler") }}
# A Service named like a release would set variables that look like settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  fsGroupChangePolicy: OnRootMismatch
  {{- range $key, $id := .root.Values.podSecurity }}
  {{- if kindIs "invalid" $id | not }}
  {{ $key }}: {{ int64 $id }}
  {{- end }}
  {{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with get $scheduling $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
topologySpreadConstraints:
{{- range $scheduling.topologySpreadConstraints | default (list $over_nodes) }}
  - {{- merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" $selector)) | toYaml | nindent 4 }}
{{- end }}
{{- end }}

{{- define "ablehand.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Environment of our three processes: {root, values}. */}}
{{- define "ablehand.container.env" -}}
- {name: ABLEHAND_SECRETS_DIR, value: /etc/ablehand-secrets}
{{- if include "ablehand.ca.source" (dict "ca" .root.Values.ca "own" "-") }}
- {name: SSL_CERT_FILE, value: /etc/ablehand-ca/ca.crt}
- {name: REQUESTS_CA_BUNDLE, value: /etc/ablehand-ca/ca.crt}
{{- end }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Mounts of our three processes: {root}. */}}
{{- define "ablehand.container.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: secrets, mountPath: /etc/ablehand-secrets, readOnly: true}
{{- if include "ablehand.ca.source" (dict "ca" .root.Values.ca "own" "-") }}
- {name: ca, mountPath: /etc/ablehand-ca, readOnly: true}
{{- end }}
{{- if include "ablehand.ca.source" (dict "ca" .root.Values.redis.external.ca "own" "-") }}
- {name: redis-ca, mountPath: /etc/ablehand-redis-ca, readOnly: true}
{{- end }}
{{- end }}

{{/* Volumes of our three processes: {root, kinds}; kinds are the secrets that it may have. */}}
{{- define "ablehand.pod.volumes" -}}
{{- $name := include "ablehand.fullname" .root -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
    {{- range $kind := .kinds }}
    {{- range $key := get (dict "gitlab" (list "gitlab-token" "git-read-token" "git-write-token") "webhook" (list "webhook-signing-token" "webhook-secret") "sign-in" (list "oidc-client-secret" "session-secret") "redis" (list "redis-url")) $kind }}
      - secret:
          name: {{ include (printf "ablehand.secret.%s" $kind) $.root }}
          items: [{key: {{ $key }}, path: ablehand_{{ $key | replace "-" "_" }}}]
          {{- if not (has $key (list "gitlab-token" "redis-url" "oidc-client-secret" "session-secret")) }}
          optional: true
          {{- end }}
    {{- end }}
    {{- end }}
{{- with include "ablehand.ca.source" (dict "ca" .root.Values.ca "own" (printf "%s-ca" $name)) }}
- name: ca
  {{- . | nindent 2 }}
{{- end }}
{{- with include "ablehand.ca.source" (dict "ca" .root.Values.redis.external.ca "own" (printf "%s-redis-ca" $name)) }}
- name: redis-ca
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The volume source of a set of authorities, or nothing: {ca, own}; own is our ConfigMap with `certificate`. */}}
{{- define "ablehand.ca.source" -}}
{{- if .ca.certificate -}}
configMap: {name: {{ .own }}, items: [{key: ca.crt, path: ca.crt}]}
{{- else if .ca.existingConfigMap -}}
configMap: {name: {{ .ca.existingConfigMap }}, items: [{key: {{ .ca.key }}, path: ca.crt}]}
{{- else if .ca.existingSecret -}}
secret: {secretName: {{ .ca.existingSecret }}, items: [{key: {{ .ca.key }}, path: ca.crt}]}
{{- end }}
{{- end }}

{{/* Probes of a process that touches a file while it is well: the age of the heartbeat in seconds. */}}
{{- define "ablehand.heartbeat" -}}
startupProbe:
  exec: {command: [test, -e, /tmp/heartbeat]}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  # One small process: find ends with 1 where the file is missing, or where it is old and false was run for it.
  exec: {command: [find, /tmp/heartbeat, "!", -newermt, "{{ int64 . }} seconds ago", -exec, "false", "{}", +]}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}
