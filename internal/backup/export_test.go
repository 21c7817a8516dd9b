package backup

import (
	"net/http"
	"time"
)

// Sign signs as a store's requests are signed.
func Sign(r *http.Request, id, secret, region, sum string, now time.Time) {
	sign(r, credentials{id: id, secret: secret}, region, sum, now)
}

var (
	Query        = query
	ParsePage    = parsePage
	ParseRefusal = parseRefusal
	Escape       = escape
)
