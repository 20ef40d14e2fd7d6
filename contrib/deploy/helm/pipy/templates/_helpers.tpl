{{- define "pipy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "pipy.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "pipy.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "pipy.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "pipy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pipy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pipy.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "pipy.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "pipy.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "pipy.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "pipy.configMap" -}}
{{- default (printf "%s-scripts" (include "pipy.fullname" .)) .Values.existingConfigMap }}
{{- end }}

{{- define "pipy.secret" -}}
{{- default (printf "%s-admin" (include "pipy.fullname" .)) .Values.admin.existingSecret }}
{{- end }}

{{- /* A path below the scripts, or a URL. */ -}}
{{- define "pipy.main" -}}
{{- if contains "://" .Values.main }}{{ .Values.main }}{{ else }}/etc/pipy/scripts/{{ .Values.main }}{{ end }}
{{- end }}
