{{/* Names and labels. Selectors are never changed: a Deployment's can't be. */}}

{{/* The beginning of every object's name; short enough for what is put behind it. */}}
{{- define "ablehand.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "ablehand.metrics.name" -}}
{{- include "ablehand.fullname" . }}-bot-metrics
{{- end }}

{{- define "ablehand.agents.namespace" -}}
{{- default (printf "%s-agents" .Release.Namespace) .Values.agents.namespace }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "ablehand.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Selector of a component's pods: {root, component}. */}}
{{- define "ablehand.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* An image's reference: {image, registry, appVersion}. */}}
{{- define "ablehand.image" -}}
{{- $registry := default .registry .image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest }}
{{- else -}}
{{- printf "%s:%s" $name (default .appVersion .image.tag) }}
{{- end }}
{{- end }}

{{- define "ablehand.image.ours" -}}
{{- include "ablehand.image" (dict "image" .Values.image "registry" "" "appVersion" .Chart.AppVersion) }}
{{- end }}

{{- define "ablehand.image.runtime" -}}
{{- include "ablehand.image" (dict "image" .Values.runtimeImage "registry" .Values.image.registry "appVersion" .Chart.AppVersion) }}
{{- end }}
