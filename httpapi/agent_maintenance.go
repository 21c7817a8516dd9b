package httpapi

import (
	"strconv"

	"praetor/catalog"
	"praetor/internal/acl"
	"praetor/internal/definition"
	"praetor/internal/fault"
)

const (
	nodeMaintenanceName    = "Node Maintenance Mode"
	serviceMaintenanceName = "Service Maintenance Mode"
	nodeNoReason           = "Maintenance mode is enabled for this node, but no reason was provided. This is a default message."
	serviceNoReason        = "Maintenance mode is enabled for this service, but no reason was provided. This is a default message."
)

func agentMaintenance(x *exchange) error {
	enable, err := x.enable()
	if err != nil {
		return err
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	if err := az.Check(acl.Node.Write(x.api.opts.NodeName)); err != nil {
		return err
	}
	return x.maintain(enable, nodeNoReason, &catalog.Check{CheckID: catalog.NodeMaintenance, Name: nodeMaintenanceName})
}

func agentServiceMaintenance(x *exchange) error {
	if x.name == "" {
		return invalid("Missing service ID")
	}
	enable, err := x.enable()
	if err != nil {
		return err
	}
	az, err := x.access()
	if err != nil {
		return err
	}
	svc := x.api.opts.Local.Service(x.name)
	if svc == nil {
		return fault.New(fault.NotFound, "Unknown service ID %q. Ensure that the service ID is passed, not the service name.", x.name)
	}
	if err := az.Check(acl.Service.Write(svc.Service)); err != nil {
		return err
	}
	return x.maintain(enable, serviceNoReason, &catalog.Check{
		CheckID: catalog.ServiceMaintenancePrefix + svc.ID, Name: serviceMaintenanceName,
		ServiceID: svc.ID, ServiceName: svc.Service, ServiceTags: svc.Tags,
	})
}

// maintain adds or removes the check that stands for maintenance. Doing it
// twice changes nothing.
func (x *exchange) maintain(enable bool, noReason string, chk *catalog.Check) error {
	local := x.api.opts.Local
	if exists := local.Check(chk.CheckID) != nil; exists == enable {
		return nil
	}
	if !enable {
		return local.RemoveCheck(x.r.Context(), chk.CheckID)
	}
	chk.Node, chk.Status, chk.Type = x.api.opts.NodeName, catalog.Critical, definition.TypeMaintenance
	if chk.Notes = x.query.Get("reason"); chk.Notes == "" {
		chk.Notes = noReason
	}
	return local.AddCheck(x.r.Context(), chk, x.token)
}

func (x *exchange) enable() (bool, error) {
	if !x.has("enable") {
		return false, invalid("Missing value for enable")
	}
	on, err := strconv.ParseBool(x.query.Get("enable"))
	if err != nil {
		return false, invalid("Invalid value for enable: %q", x.query.Get("enable"))
	}
	return on, nil
}
