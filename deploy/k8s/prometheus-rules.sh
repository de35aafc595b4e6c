#!/bin/sh
# The rules of deploy/prometheus/rules as PrometheusRules, for clusters with the Prometheus operator:
#
#   deploy/k8s/prometheus-rules.sh | kubectl apply --namespace spineline -f -
set -eu

for file in "$(dirname "$0")"/../prometheus/rules/*.yml; do
  cat <<END
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: spineline-$(basename "$file" .yml)
  labels: { app.kubernetes.io/part-of: spineline }
spec:
END
  sed 's/^/  /' "$file"
done
