{{/* Name of all objects: unique for each release. Service names may have 63 characters, with -metrics. */}}
{{- define "external-backend-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "external-backend-operator" .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-external-backend-operator" (.Release.Name | trunc 29 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* Labels of all objects. Selectors have the name only, because they cannot be changed later. */}}
{{- define "external-backend-operator.labels" -}}
app.kubernetes.io/name: {{ include "external-backend-operator.fullname" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | quote }}
{{- end -}}

{{/* Image, by digest if there is one. */}}
{{- define "external-backend-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
