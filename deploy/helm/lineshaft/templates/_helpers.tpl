{{- define "lineshaft.fullname" -}}
{{- if contains "lineshaft" .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-lineshaft" .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "lineshaft.selector" -}}
app.kubernetes.io/name: lineshaft
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "lineshaft.labels" -}}
{{ include "lineshaft.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "lineshaft.image" -}}
{{ printf "%s/%s:%s" .root.Values.image.repository .component (.root.Values.image.tag | default .root.Chart.AppVersion) }}
{{- end }}

{{/* Environment variable NAME from KEY of SECRET: (list NAME SECRET KEY) */}}
{{- define "lineshaft.fromSecret" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}

{{- define "lineshaft.dsn" -}}
{{- $postgres := .root.Values.postgres -}}
{{- $ca := ternary "&sslrootcert=/etc/lineshaft/postgres/ca.crt" "" (ne $postgres.tls.existingSecret "") -}}
{{ printf "postgresql://%s@%s:%d/%s?sslmode=%s%s" .user $postgres.host (int $postgres.port) $postgres.database $postgres.sslMode $ca }}
{{- end }}

{{- define "lineshaft.kafkaEnvironment" -}}
{{- $kafka := .root.Values.kafka -}}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ $kafka.bootstrapServers | quote }}
- name: LINESHAFT_TOPIC_PREFIX
  value: {{ $kafka.topicPrefix | quote }}
- name: LINESHAFT_LOG_LEVEL
  value: {{ .root.Values.logLevel }}
- name: LINESHAFT_KAFKA_SECURITY_PROTOCOL
  value: {{ $kafka.securityProtocol }}
{{- if hasPrefix "SASL_" $kafka.securityProtocol }}
- name: LINESHAFT_KAFKA_SASL_MECHANISM
  value: {{ $kafka.saslMechanism }}
{{- $own := index $kafka.existingSecrets .component }}
{{- $secret := required "kafka.existingSecret must name a Secret with the SASL user and password" (default $kafka.existingSecret $own) }}
{{ include "lineshaft.fromSecret" (list "LINESHAFT_KAFKA_USERNAME" $secret $kafka.usernameKey) }}
{{ include "lineshaft.fromSecret" (list "LINESHAFT_KAFKA_PASSWORD" $secret $kafka.passwordKey) }}
{{- end }}
{{- if $kafka.tls.existingSecret }}
- name: LINESHAFT_KAFKA_CA_FILE
  value: /etc/lineshaft/kafka/{{ $kafka.tls.caKey }}
{{- if $kafka.tls.certificateKey }}
- name: LINESHAFT_KAFKA_CERTIFICATE_FILE
  value: /etc/lineshaft/kafka/{{ $kafka.tls.certificateKey }}
- name: LINESHAFT_KAFKA_KEY_FILE
  value: /etc/lineshaft/kafka/{{ required "kafka.tls.keyKey must name the key of kafka.tls.certificateKey" $kafka.tls.keyKey }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lineshaft.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.kafka.tls.existingSecret }}
- name: kafka-tls
  mountPath: /etc/lineshaft/kafka
  readOnly: true
{{- end }}
{{- if .Values.postgres.tls.existingSecret }}
- name: postgres-tls
  mountPath: /etc/lineshaft/postgres
  readOnly: true
{{- end }}
{{- end }}

{{- define "lineshaft.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if .Values.kafka.tls.existingSecret }}
- name: kafka-tls
  secret:
    secretName: {{ .Values.kafka.tls.existingSecret }}
{{- end }}
{{- if .Values.postgres.tls.existingSecret }}
- name: postgres-tls
  secret:
    secretName: {{ .Values.postgres.tls.existingSecret }}
    items:
      - key: {{ .Values.postgres.tls.caKey }}
        path: ca.crt
{{- end }}
{{- end }}

{{/* The port of each of the comma-separated addresses, once. */}}
{{- define "lineshaft.kafkaPorts" -}}
{{- $ports := list -}}
{{- range splitList "," .Values.kafka.bootstrapServers -}}
{{- $ports = append $ports (last (splitList ":" (trim .))) -}}
{{- end -}}
{{- range uniq $ports }}
- protocol: TCP
  port: {{ . }}
{{- end }}
{{- end }}
