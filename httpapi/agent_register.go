package httpapi

import (
	"context"

	"praetor/catalog"
	"praetor/httpapi/wire"
	"praetor/internal/acl"
	"praetor/internal/definition"
)

// registration is a service to be registered, with what hangs on it.
type registration struct {
	service *catalog.Service
	checks  []*catalog.Check
	sidecar *registration // nil for none
	replace bool          // checks of an earlier registration go
}

// thenSynced has a handler that changes what is registered here answer when the
// catalog has it too, as Consul does: clients register and then look.
func thenSynced(change func(*exchange) error) func(*exchange) error {
	return func(x *exchange) error {
		err := change(x)
		if err == nil {
			x.api.opts.Local.Await(x.r.Context())
		}
		return err
	}
}

// agentServiceRegister registers a service (reference/http-agent.md §3.3).
func agentServiceRegister(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	var body definition.Service
	if err := x.decode(&body); err != nil {
		return err
	}
	r, err := newRegistration(&body)
	if err != nil {
		return err
	}
	r.replace = x.flag("replace-existing-checks")
	if err := r.validate(&body); err != nil {
		return err
	}
	if s := body.Sidecar(); s != nil {
		if r.sidecar, err = newSidecar(r.service, s); err != nil {
			return err
		}
	}
	if err := x.mayRegister(az, r); err != nil {
		return err
	}
	if r.sidecar == nil {
		return x.api.opts.Local.AddService(x.r.Context(), r.service, r.checks, r.replace, x.token)
	}
	if err := x.mayRegister(az, r.sidecar); err != nil {
		return err
	}
	return x.addWithSidecar(r)
}

// newRegistration is what a body describes, with Check before Checks.
func newRegistration(s *definition.Service) (*registration, error) {
	r := &registration{service: s.Row()}
	for i, c := range append([]*definition.Check{s.Check}, s.Checks...) {
		if c == nil {
			continue
		}
		row, err := c.Row()
		switch {
		case err != nil:
			return nil, invalid("%w", err)
		case i > 0 || !wire.IsEmpty(row):
			r.checks = append(r.checks, row)
		}
	}
	return r, nil
}

// validate refuses what makes no sense, with the words of the HTTP API.
func (r *registration) validate(body *definition.Service) error {
	s := r.service
	if s.Service == "" {
		return invalid("Missing service name")
	}
	if err := definition.ValidateAddress(s.Address); err != nil {
		return invalid("%w", err)
	}
	if body.Weights != nil {
		if err := definition.ValidateWeights(s.Weights); err != nil {
			return invalid("Invalid Weights: %w", err)
		}
	}
	if err := definition.ValidateMeta(s.Meta); err != nil {
		return invalid("Invalid Service Meta: %w", err)
	}
	if err := body.Validate(s); err != nil {
		return invalid("Validation failed: %w", err)
	}
	if err := definition.ValidateTaggedAddresses(s.TaggedAddresses); err != nil {
		return rejected("%w", err)
	}
	return validateChecks(r.checks)
}

func validateChecks(checks []*catalog.Check) error {
	for _, c := range checks {
		if err := definition.ValidateCheck(c); err != nil {
			return invalid("Invalid check: %w", err)
		}
		if c.Status != "" && !definition.ValidStatus(c.Status) {
			return invalid("Status for checks must 'passing', 'warning', 'critical'")
		}
	}
	return nil
}

// newSidecar is the proxy of a service. Its port may still be 0.
func newSidecar(parent *catalog.Service, body *definition.Service) (*registration, error) {
	var faults definition.Errors
	if body.ID != "" {
		faults.Addf("A SidecarService cannot specify an ID as this is managed by the agent")
	}
	if body.Sidecar() != nil {
		faults.Addf("A SidecarService cannot have a nested SidecarService")
	}
	if err := faults.Err(); err != nil {
		return nil, invalid("Validation failed: %w", err)
	}
	r, err := newRegistration(body)
	if err != nil {
		return nil, err
	}
	if body.Weights != nil {
		if err := definition.ValidateWeights(r.service.Weights); err != nil {
			return nil, invalid("Invalid SidecarService: Invalid Weights: %w", err)
		}
	}
	definition.FillSidecar(parent, r.service)
	return r, validateChecks(r.checks)
}

// mayRegister asks for everything that a registration touches.
func (x *exchange) mayRegister(az *acl.Authorizer, r *registration) error {
	s := r.service
	names := []string{s.Service}
	if old := x.api.opts.Local.Service(s.ID); old != nil && old.Service != s.Service {
		names = append(names, old.Service)
	}
	if s.Kind == definition.KindConnectProxy && s.Proxy != nil {
		names = append(names, s.Proxy.DestinationServiceName)
	}
	for _, name := range names {
		if err := az.Check(acl.Service.Write(name)); err != nil {
			return err
		}
	}
	for _, check := range r.checks { // one of another owner may have its ID
		if old := x.api.opts.Local.Check(check.CheckID); old != nil && old.ServiceID != s.ID {
			if err := x.mayWriteCheck(az, old); err != nil {
				return err
			}
		}
	}
	return nil
}

// addWithSidecar registers a service and then its proxy. One at a time: no two
// may pick the same port.
func (x *exchange) addWithSidecar(r *registration) error {
	ctx, local := x.r.Context(), x.api.opts.Local
	select {
	case x.api.sidecars <- struct{}{}:
		defer func() { <-x.api.sidecars }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := r.sidecar.service
	if s.Port == 0 {
		switch s.Port = x.sidecarPort(s.ID); {
		case s.Port == 0 && x.api.opts.SidecarMax == 0:
			return rejected("no port provided for sidecar_service and auto-assignment disabled in config")
		case s.Port == 0:
			return rejected("no port provided for sidecar_service and none left in the configured range [%d, %d]", x.api.opts.SidecarMin, x.api.opts.SidecarMax)
		}
	}
	if err := definition.ValidateService(s); err != nil {
		return invalid("Failed Validation: %w", err)
	}
	if len(r.sidecar.checks) == 0 {
		r.sidecar.checks = definition.SidecarChecks(r.service, s)
	}
	parent := r.service.ID
	if err := local.AddService(ctx, r.service, r.checks, r.replace, x.token); err != nil {
		return err
	}
	// What was begun is finished, whether or not the client still waits.
	return local.AddSidecar(context.WithoutCancel(ctx), parent, s, r.sidecar.checks, r.replace, x.token)
}

// sidecarPort is the port the sidecar had before, or a free one, or 0.
func (x *exchange) sidecarPort(id string) int {
	o := &x.api.opts
	if old := o.Local.Service(id); old != nil && old.Port >= o.SidecarMin && old.Port <= o.SidecarMax {
		return old.Port
	}
	return o.Local.FreePort(o.SidecarMin, o.SidecarMax)
}

func agentServiceDeregister(x *exchange) error {
	az, err := x.access()
	if err != nil {
		return err
	}
	if svc := x.api.opts.Local.Service(x.name); svc != nil {
		if err := az.Check(acl.Service.Write(svc.Service)); err != nil {
			return err
		}
	}
	return x.api.opts.Local.RemoveService(x.r.Context(), x.name)
}

// flag reads a parameter that is on when it is empty or true, and off when it
// is anything else, such as 1.
func (x *exchange) flag(name string) bool {
	value := x.query.Get(name)
	return x.has(name) && (value == "" || value == "true")
}
