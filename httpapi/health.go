package httpapi

import (
	"strconv"

	"praetor/httpapi/wire"
	"praetor/internal/ops"
	"praetor/internal/rpc"
)

func healthNode(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing node name")
	}
	return x.replyChecks(ask(x, ops.HealthNode, &ops.HealthNodeRequest{ReadOptions: opts, Node: x.name, Filter: x.query.Get("filter")}))
}

func healthChecks(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing service name")
	}
	return x.replyChecks(ask(x, ops.HealthChecks, &ops.HealthChecksRequest{ReadOptions: opts, Near: x.near(), Service: x.name, NodeMeta: x.nodeMeta(), Filter: x.query.Get("filter")}))
}

func healthState(x *exchange) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing check state")
	}
	return x.replyChecks(ask(x, ops.HealthState, &ops.HealthStateRequest{ReadOptions: opts, Near: x.near(), State: x.name, NodeMeta: x.nodeMeta(), Filter: x.query.Get("filter")}))
}

func (x *exchange) replyChecks(rep *ops.HealthChecksReply, err error) error {
	if err != nil {
		return err
	}
	encode := func(b []byte) []byte { return wire.AppendList(b, rep.Checks, wire.AppendCheck) }
	if rep.Filtered {
		return x.reply(encode)
	}
	return x.replyShared(listSource(rep.Checks), encode)
}

func healthService(x *exchange) error { return x.replyInstances(ops.HealthService, false) }
func healthConnect(x *exchange) error { return x.replyInstances(ops.HealthService, true) }
func healthIngress(x *exchange) error { return x.replyInstances(ops.HealthIngress, false) }

// replyInstances answers with instances and their checks. ?merge-central-config
// is ignored: registrations are not merged with service-defaults.
func (x *exchange) replyInstances(op rpc.Op[ops.HealthServiceRequest, ops.HealthServiceReply], connect bool) error {
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	if x.name == "" {
		return invalid("Missing service name")
	}
	if err := x.checkSameness(); err != nil {
		return err
	}
	passing, err := x.passing()
	if err != nil {
		return err
	}
	req := &ops.HealthServiceRequest{
		ReadOptions: opts, Near: x.near(), Service: x.name, Connect: connect, Tags: x.tags(connect), PassingOnly: passing, NodeMeta: x.nodeMeta(), Filter: x.query.Get("filter"),
	}
	rep, err := ask(x, op, req)
	switch {
	case err != nil:
		return err
	case x.isPeered():
		return x.reply(func(b []byte) []byte { return append(b, "[]"...) })
	case rep.Filtered || x.translates() || !x.shared:
		// The list was made for this caller alone: nobody asks for it again.
		list := x.translateHealth(rep.Instances)
		return x.reply(func(b []byte) []byte { return wire.AppendList(b, list, wire.AppendInstanceHealth) })
	}
	return x.replyHealth(x.answerKey(passing), rep.Instances)
}

// isPeered reports whether a request asks for what a peer exports to us. No peer does.
func (x *exchange) isPeered() bool { return x.query.Get("peer") != "" }

// checkSameness refuses sameness groups (reference/http-api.md §3.3).
func (x *exchange) checkSameness() error {
	if x.query.Get("sg") == "" && x.query.Get("sameness-group") == "" {
		return nil
	}
	if x.isPeered() {
		return invalid("peer-name and sameness-group are mutually exclusive")
	}
	return rejected("sameness groups are not supported in consul CE")
}

// passing reads ?passing: present and empty means yes.
func (x *exchange) passing() (bool, error) {
	if !x.has("passing") {
		return false, nil
	}
	value := x.query.Get("passing")
	if value == "" {
		return true, nil
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		return false, invalid("Invalid value for ?passing")
	}
	return on, nil
}
