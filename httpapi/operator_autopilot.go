package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/definition"
	"praetor/internal/ops"
)

// operatorAutopilot reads and replaces autopilot's configuration
// (reference/http-operator-acl.md §1).
func operatorAutopilot(x *exchange) error {
	if x.r.Method == http.MethodPut {
		return setAutopilot(x)
	}
	opts, err := x.readOptions()
	if err != nil {
		return err
	}
	opts.MinIndex = 0 // nothing to wait for
	rep, err := ask(x, ops.OperatorAutopilot, &ops.OperatorAutopilotRequest{ReadOptions: opts})
	if err != nil {
		return err
	}
	config := rep.Config
	if config == nil {
		config = &catalog.Autopilot{}
	}
	return x.reply(func(b []byte) []byte { return appendAutopilot(b, config) })
}

func appendAutopilot(b []byte, c *catalog.Autopilot) []byte {
	b = wire.AppendBool(b, `{"CleanupDeadServers":`, c.CleanupDeadServers)
	b = wire.AppendText(b, `,"LastContactThreshold":`, time.Duration(c.LastContactThreshold).String())
	b = wire.AppendUint(b, `,"MaxTrailingLogs":`, c.MaxTrailingLogs)
	b = wire.AppendUint(b, `,"MinQuorum":`, c.MinQuorum)
	b = wire.AppendText(b, `,"ServerStabilizationTime":`, time.Duration(c.ServerStabilizationTime).String())
	b = wire.AppendText(b, `,"RedundancyZoneTag":`, c.RedundancyZoneTag)
	b = wire.AppendBool(b, `,"DisableUpgradeMigration":`, c.DisableUpgradeMigration)
	b = wire.AppendText(b, `,"UpgradeVersionTag":`, c.UpgradeVersionTag)
	b = wire.AppendUint(b, `,"CreateIndex":`, c.CreateIndex)
	b = wire.AppendUint(b, `,"ModifyIndex":`, c.ModifyIndex)
	return append(b, '}')
}

// autopilotBody is what a configuration is read from. What it leaves out keeps
// the default, not the value in force. The indexes are what clients send back.
type autopilotBody struct {
	CleanupDeadServers      bool
	LastContactThreshold    definition.Duration
	MaxTrailingLogs         uint64
	MinQuorum               uint64
	ServerStabilizationTime definition.Duration
	RedundancyZoneTag       string
	DisableUpgradeMigration bool
	UpgradeVersionTag       string
	CreateIndex             uint64
	ModifyIndex             uint64
}

func setAutopilot(x *exchange) error {
	body := autopilotBody{
		CleanupDeadServers: true, LastContactThreshold: definition.Duration(200 * time.Millisecond),
		MaxTrailingLogs: 250, ServerStabilizationTime: definition.Duration(10 * time.Second),
	}
	if err := x.decodeAs("Error parsing autopilot config: %w", &body); err != nil {
		return err
	}
	req := &ops.OperatorSetAutopilotRequest{WriteOptions: x.writeOptions(), Config: catalog.Autopilot{
		CleanupDeadServers:   body.CleanupDeadServers,
		LastContactThreshold: int64(body.LastContactThreshold), MaxTrailingLogs: body.MaxTrailingLogs,
		MinQuorum: body.MinQuorum, ServerStabilizationTime: int64(body.ServerStabilizationTime),
		RedundancyZoneTag: body.RedundancyZoneTag, DisableUpgradeMigration: body.DisableUpgradeMigration, UpgradeVersionTag: body.UpgradeVersionTag,
	}}
	if x.has("cas") {
		index, err := strconv.ParseUint(x.query.Get("cas"), 10, 64)
		if err != nil {
			return invalid("Error parsing cas value: %w", err)
		}
		req.CAS, req.Config.ModifyIndex = true, index
	}
	rep, err := ops.OperatorSetAutopilot.Call(x.r.Context(), x.api.opts.Caller, req)
	if err != nil {
		return err
	}
	return x.bool(rep.Done)
}

// askAutopilot asks the leader, which alone knows.
func (x *exchange) askAutopilot() (*ops.OperatorAutopilotStateReply, error) {
	opts, err := x.readOptions()
	if err != nil {
		return nil, err
	}
	opts.MinIndex, opts.Stale, opts.MaxStale = 0, false, 0
	return ask(x, ops.OperatorAutopilotState, &ops.OperatorAutopilotStateRequest{ReadOptions: opts})
}

// operatorHealth answers 429 while the servers are not all healthy.
func operatorHealth(x *exchange) error {
	rep, err := x.askAutopilot()
	if err != nil {
		return err
	}
	status := http.StatusOK
	if !rep.Healthy {
		status = http.StatusTooManyRequests
	}
	return x.replyStatus(status, func(b []byte) []byte {
		b = wire.AppendBool(b, `{"Healthy":`, rep.Healthy)
		b = wire.AppendInt(b, `,"FailureTolerance":`, int64(rep.FailureTolerance))
		b = wire.AppendList(append(b, `,"Servers":`...), rep.Servers, appendServerHealth)
		return append(b, '}')
	})
}

func appendServerHealth(b []byte, s ops.AutopilotServer) []byte {
	b = wire.AppendText(b, `{"ID":`, s.ID)
	b = wire.AppendText(b, `,"Name":`, s.Name)
	b = wire.AppendText(b, `,"Address":`, s.Address)
	b = wire.AppendText(b, `,"SerfStatus":`, s.NodeStatus)
	b = wire.AppendText(b, `,"Version":`, s.Version)
	b = wire.AppendBool(b, `,"Leader":`, s.Leader)
	b = wire.AppendText(b, `,"LastContact":`, s.LastContact.String())
	b = wire.AppendUint(b, `,"LastTerm":`, s.LastTerm)
	b = wire.AppendUint(b, `,"LastIndex":`, s.LastIndex)
	b = wire.AppendBool(b, `,"Healthy":`, s.Healthy)
	b = wire.AppendBool(b, `,"Voter":`, s.Voter)
	b = wire.AppendText(b, `,"StableSince":`, s.StableSince.Format(time.RFC3339))
	return append(b, '}')
}

func operatorState(x *exchange) error {
	rep, err := x.askAutopilot()
	if err != nil {
		return err
	}
	return x.reply(func(b []byte) []byte {
		b = wire.AppendBool(b, `{"Healthy":`, rep.Healthy)
		b = wire.AppendInt(b, `,"FailureTolerance":`, int64(rep.FailureTolerance))
		b = wire.AppendInt(b, `,"OptimisticFailureTolerance":`, int64(rep.FailureTolerance)) // they differ with zones only
		b = append(b, `,"Servers":{`...)
		for i, s := range rep.Servers {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendServerState(append(wire.AppendString(b, s.ID), ':'), s)
		}
		b = wire.AppendText(b, `},"Leader":`, rep.Leader)
		b = wire.AppendStrings(append(b, `,"Voters":`...), rep.Voters)
		return append(b, '}')
	})
}

func appendServerState(b []byte, s ops.AutopilotServer) []byte {
	b = wire.AppendText(b, `{"ID":`, s.ID)
	b = wire.AppendText(b, `,"Name":`, s.Name)
	b = wire.AppendText(b, `,"Address":`, s.Address)
	b = wire.AppendText(b, `,"NodeStatus":`, s.NodeStatus)
	b = wire.AppendText(b, `,"Version":`, s.Version)
	b = wire.AppendText(b, `,"LastContact":`, s.LastContact.String())
	b = wire.AppendUint(b, `,"LastTerm":`, s.LastTerm)
	b = wire.AppendUint(b, `,"LastIndex":`, s.LastIndex)
	b = wire.AppendBool(b, `,"Healthy":`, s.Healthy)
	b = wire.AppendText(b, `,"StableSince":`, s.StableSince.Format(time.RFC3339))
	b = append(b, `,"ReadReplica":false`...)
	b = wire.AppendText(b, `,"Status":`, s.Status)
	b = wire.AppendStringMap(append(b, `,"Meta":`...), s.Meta, "{}")
	return append(b, `,"NodeType":"voter"}`...)
}
