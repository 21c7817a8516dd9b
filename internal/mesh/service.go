package mesh

// KindProxy is the kind of instances that speak mesh TLS for another service.
const KindProxy = "connect-proxy"

// TagVirtual is the tagged address under which instances in the mesh show the
// virtual address of what they serve (reference/http-catalog-health.md).
const TagVirtual = "consul-virtual"
