{{- define "antiphon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "antiphon.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "antiphon.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "antiphon.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "antiphon.selector" -}}
app.kubernetes.io/name: {{ include "antiphon.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "antiphon.labels" -}}
{{ include "antiphon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Delay, drain, 10 s that the process allows itself to end, and 5 s to spare. */}}
{{- define "antiphon.grace" -}}
{{- add (int .Values.drain.delaySeconds) (int .Values.drain.seconds) 15 -}}
{{- end -}}

{{/* What the chart's own Secret holds; empty: none is made. */}}
{{- define "antiphon.secret" -}}
{{- $data := dict -}}
{{- if and .Values.database.url (not .Values.database.existingSecret) -}}
{{- $_ := set $data "DATABASE_URL" (.Values.database.url | b64enc) -}}
{{- end -}}
{{- if and .Values.redis.url (not .Values.redis.existingSecret) -}}
{{- $_ := set $data "REDIS_URL" (.Values.redis.url | b64enc) -}}
{{- end -}}
{{- if and .Values.secretKey.generate (not .Values.secretKey.existingSecret) -}}
{{- $old := lookup "v1" "Secret" .Release.Namespace (include "antiphon.fullname" .) -}}
{{- $kept := dig "data" "WEBUI_SECRET_KEY" "" (default dict $old) -}}
{{- $_ := set $data "WEBUI_SECRET_KEY" (default (randAlphaNum 64 | b64enc) $kept) -}}
{{- end -}}
{{- if $data -}}{{- toYaml $data -}}{{- end -}}
{{- end -}}

{{/* Environment of the server and of the check before it. */}}
{{- define "antiphon.env" -}}
{{- $own := include "antiphon.fullname" . -}}
- {name: HOST, value: "0.0.0.0"}
- {name: PORT, value: "8080"}
- {name: DATA_DIR, value: /data}
- {name: ANTIPHON_NODE_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
# A pod's name is not in DNS: the others reach it by its address.
- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
- {name: ANTIPHON_ADVERTISE_URL, value: "http://$(POD_IP):8080"}
- {name: LOG_FORMAT, value: json}
- {name: FORWARDED_ALLOW_IPS, value: {{ join "," .Values.trustedProxies | quote }}}
- {name: DATABASE_POOL_SIZE, value: {{ .Values.database.connections | quote }}}
- {name: ANTIPHON_THREADS, value: {{ .Values.threads | quote }}}
- {name: ANTIPHON_DRAIN_DELAY_SECONDS, value: {{ .Values.drain.delaySeconds | quote }}}
- {name: ANTIPHON_DRAIN_SECONDS, value: {{ .Values.drain.seconds | quote }}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret | default $own }}
      key: {{ if .Values.database.existingSecret }}{{ .Values.database.existingSecretKey }}{{ else }}DATABASE_URL{{ end }}
{{- if or .Values.redis.url .Values.redis.existingSecret }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret | default $own }}
      key: {{ if .Values.redis.existingSecret }}{{ .Values.redis.existingSecretKey }}{{ else }}REDIS_URL{{ end }}
{{- end }}
{{- if or .Values.secretKey.generate .Values.secretKey.existingSecret }}
- name: WEBUI_SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secretKey.existingSecret | default $own }}
      key: {{ if .Values.secretKey.existingSecret }}{{ .Values.secretKey.existingSecretKey }}{{ else }}WEBUI_SECRET_KEY{{ end }}
{{- end }}
{{- range $name, $value := .Values.env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- define "antiphon.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "antiphon.env" . | nindent 2 }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: tmp, mountPath: /tmp}
{{- end -}}
