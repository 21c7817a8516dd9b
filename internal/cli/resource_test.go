package cli_test

import "testing"

func TestThereAreNoResources(t *testing.T) {
	play(t, `
$ resource read catalog.v2beta1.Service
! Incorrect argument format: Must specify two arguments: resource type and resource name
= 1
$ resource list
! Incorrect argument format: Must include resource type argument
= 1
$ resource list catalog.v2beta1.Service
! 404 page not found: …
= 1
`)
}
