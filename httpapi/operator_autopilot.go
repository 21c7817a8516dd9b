package httpapi

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
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
	LastContactThreshold    autopilotSpan
	MaxTrailingLogs         uint64
	MinQuorum               uint64
	ServerStabilizationTime autopilotSpan
	RedundancyZoneTag       string
	DisableUpgradeMigration bool
	UpgradeVersionTag       string
	CreateIndex             uint64
	ModifyIndex             uint64
}

// autopilotSpan is a span of time here: "10s" or nanoseconds; null, which Consul's
// client sends for what its caller left out, keeps the default.
type autopilotSpan definition.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *autopilotSpan) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	if text[0] != '"' {
		if _, err := strconv.ParseFloat(string(text), 64); err != nil {
			return err
		}
	}
	return (*definition.Duration)(d).UnmarshalJSON(text)
}

func setAutopilot(x *exchange) error {
	body := autopilotBody{
		CleanupDeadServers: true, LastContactThreshold: autopilotSpan(200 * time.Millisecond),
		MaxTrailingLogs: 250, ServerStabilizationTime: autopilotSpan(10 * time.Second),
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
		b = wire.AppendInt(b, `,"OptimisticFailureTolerance":`, int64(rep.FailureTolerance+rep.Standbys))
		b = append(b, `,"Servers":{`...)
		for i, s := range rep.Servers {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendServerState(append(wire.AppendString(b, s.ID), ':'), s)
		}
		b = wire.AppendText(b, `},"Leader":`, rep.Leader)
		b = wire.AppendStrings(append(b, `,"Voters":`...), rep.Voters)
		return append(appendPlacement(b, rep), '}')
	})
}

// appendPlacement appends what is there only with read replicas, redundancy zones or
// versions.
func appendPlacement(b []byte, rep *ops.OperatorAutopilotStateReply) []byte {
	b = appendIDs(b, "ReadReplicas", replicas(rep.Servers))
	b = appendZones(b, rep.Zones, func(b []byte, zone ops.AutopilotZone) []byte {
		b = wire.AppendStrings(append(b, `"Servers":`...), zone.Servers)
		b = wire.AppendStrings(append(b, `,"Voters":`...), zone.Voters)
		return wire.AppendInt(b, `,"FailureTolerance":`, int64(zone.FailureTolerance))
	})
	u := rep.Upgrade
	if u == nil {
		return b
	}
	b = wire.AppendText(b, `,"Upgrade":{"Status":`, u.Status)
	if u.TargetVersion != "" {
		b = wire.AppendText(b, `,"TargetVersion":`, u.TargetVersion)
	}
	b = appendIDs(b, "TargetVersionVoters", u.TargetVoters)
	b = appendIDs(b, "TargetVersionNonVoters", u.TargetNonVoters)
	b = appendIDs(b, "TargetVersionReadReplicas", u.TargetReadReplicas)
	b = appendIDs(b, "OtherVersionVoters", u.OtherVoters)
	b = appendIDs(b, "OtherVersionNonVoters", u.OtherNonVoters)
	b = appendIDs(b, "OtherVersionReadReplicas", u.OtherReadReplicas)
	b = appendZones(b, rep.Zones, func(b []byte, zone ops.AutopilotZone) []byte {
		b = appendIDs(b, "TargetVersionVoters", both(zone.Servers, u.TargetVoters))
		b = appendIDs(b, "TargetVersionNonVoters", both(zone.Servers, u.TargetNonVoters))
		b = appendIDs(b, "OtherVersionVoters", both(zone.Servers, u.OtherVoters))
		return appendIDs(b, "OtherVersionNonVoters", both(zone.Servers, u.OtherNonVoters))
	})
	return append(b, '}')
}

// appendZones appends what each says of each zone, if there are any.
func appendZones(b []byte, zones map[string]ops.AutopilotZone, each func(b []byte, zone ops.AutopilotZone) []byte) []byte {
	if len(zones) == 0 {
		return b
	}
	b = append(b, `,"RedundancyZones":{`...)
	for i, name := range slices.Sorted(maps.Keys(zones)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(each(append(wire.AppendString(b, name), ":{"...), zones[name]), '}')
	}
	return append(b, '}')
}

// appendIDs appends a member of an object that is left out when it is empty.
func appendIDs(b []byte, name string, ids []string) []byte {
	if len(ids) == 0 {
		return b
	}
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return wire.AppendStrings(append(wire.AppendString(b, name), ':'), ids)
}

// both are those of a that are in b, too.
func both(a, b []string) (list []string) {
	for _, id := range a {
		if slices.Contains(b, id) {
			list = append(list, id)
		}
	}
	return list
}

func replicas(servers []ops.AutopilotServer) (ids []string) {
	for _, s := range servers {
		if s.NodeType == readReplica {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// readReplica is the type of a server that never votes.
const readReplica = "read-replica"

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
	if s.Zone != "" {
		b = wire.AppendText(b, `,"RedundancyZone":`, s.Zone)
	}
	if s.Upgrade != "" {
		b = wire.AppendText(b, `,"UpgradeVersion":`, s.Upgrade)
	}
	b = wire.AppendBool(b, `,"ReadReplica":`, s.NodeType == readReplica)
	b = wire.AppendText(b, `,"Status":`, s.Status)
	b = wire.AppendStringMap(append(b, `,"Meta":`...), s.Meta, "{}")
	return append(wire.AppendText(b, `,"NodeType":`, cmp.Or(s.NodeType, "voter")), '}')
}
