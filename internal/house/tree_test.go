package house_test

import (
	"testing"

	"praetor/internal/house"
)

// TestThisHouseIsInOrder inspects the tree it stands in.
func TestThisHouseIsInOrder(t *testing.T) {
	faults, err := house.Inspect("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}
