package httpapi

import (
	"encoding/json"
	"strings"

	"praetor/internal/acl"
	"praetor/internal/telemetry"
)

const textNoPrometheus = "Prometheus is not enabled since its retention time is not positive"

func agentMetrics(x *exchange) error {
	if err := x.mayReadAgent(); err != nil {
		return err
	}
	if x.query.Get("format") != "prometheus" && !acceptsPrometheus(x.header("Accept")) {
		return x.reflected(x.api.opts.Metrics.Summary())
	}
	prometheus := x.api.opts.Metrics.Prometheus()
	if prometheus == nil {
		x.w.Header().Set("X-Consul-Reason", textNoPrometheus)
		return nil
	}
	x.wrote = true
	prometheus.ServeHTTP(x.w, x.r)
	return nil
}

// acceptsPrometheus reads an Accept header (reference/http-agent.md §2.3).
func acceptsPrometheus(header string) bool {
	for part := range strings.SplitSeq(strings.ToLower(header), ",") {
		part = strings.ReplaceAll(part, " ", "")
		if media, _, _ := strings.Cut(part, ";"); media == "application/openmetrics-text" || part == "text/plain;version=0.4.0" {
			return true
		}
	}
	return false
}

// agentMetricsStream sends every interval as it ends.
func agentMetricsStream(x *exchange) error {
	if err := x.mayReadAgent(); err != nil {
		return err
	}
	out, err := x.stream(typeJSON)
	if err != nil {
		return err
	}
	defer out.close()
	// What ends it but the client's end is the client's absence: nobody is left to
	// hear why.
	_ = x.api.opts.Metrics.Stream(x.r.Context(), func(s telemetry.Summary) error {
		text, err := json.MarshalIndent(s, "", indentation)
		if err != nil {
			return err
		}
		if err := out.write(append(text, '\n')); err != nil {
			return err
		}
		return out.flush()
	})
	return nil
}

func (x *exchange) mayReadAgent() error {
	az, err := x.access()
	if err != nil {
		return err
	}
	return az.Check(acl.Agent.Read(x.api.opts.NodeName))
}
