package cli_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestPortsAreTried(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	open := l.Addr().(*net.TCPAddr).Port
	out, errs, code := run(t, "troubleshoot", "ports", "-host=127.0.0.1", fmt.Sprintf("-ports=1,%d", open))
	got := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(got)
	want := []string{"TCP: Port 1 on 127.0.0.1 is closed, unreachable, or the connection timed out.", fmt.Sprintf("TCP: Port %d on 127.0.0.1 is open.", open)}
	slices.Sort(want)
	if code != 0 || errs != "" || !slices.Equal(got, want) {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	t.Setenv("CONSUL_HTTP_ADDR", "")
	if _, errs, code := run(t, "troubleshoot", "ports"); code != 1 || errs != "-host is required.\n" {
		t.Errorf("without a host: code %d, %s", code, errs)
	}
}
