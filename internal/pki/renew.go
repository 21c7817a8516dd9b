package pki

import (
	"math/rand/v2"
	"time"
)

// A certificate is renewed in this part of its life (reference/mesh.md §1).
const renewFrom, renewTo = 0.6, 0.9

// RenewAt returns when to renew a certificate: at some moment late in its life, so that
// those that were signed together are not renewed together.
func RenewAt(notBefore, notAfter time.Time) time.Time {
	life := float64(notAfter.Sub(notBefore))
	return notBefore.Add(time.Duration(life * (renewFrom + rand.Float64()*(renewTo-renewFrom))))
}
