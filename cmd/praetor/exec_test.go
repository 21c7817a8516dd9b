package main_test

import (
	"os"
	"strings"
	"testing"
)

func TestRemoteExecution(t *testing.T) {
	t.Parallel()
	n := startLeader(t, "127.77.48.1", "-hcl", "disable_remote_exec = false")
	for _, row := range []struct {
		name string
		args []string
		code int
		want []string // in this order
		not  string
	}{
		{"what it does is told", []string{"-verbose", "echo hi"}, 0, []string{
			"Created remote execution session: ", "Uploaded remote execution spec\n", "Fired remote execution event: ",
			"==> a: acknowledged\n", "    a: hi\n    a:\n", "==> a: finished with exit code 0\n",
			"1 / 1 node(s) completed / acknowledged\nCompleted in ",
		}, ""},
		{"words without a shell", []string{"-shell=false", "echo", "a  b", "$HOME"}, 0, []string{"    a: a  b $HOME\n"}, ""},
		{"no such program", []string{"-shell=false", "-verbose", "/no/such/program"}, 2, []string{"/no/such/program: no such file", "exit code 255\n"}, ""},
		{"both streams", []string{"echo out; echo err >&2; exit 7"}, 2, []string{"    a: out\n    a: err\n", "exit code 7\n"}, ""},
		{"much output comes whole", []string{"i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done"}, 0, []string{"    a: 0\n", "    a: 1500\n", "    a: 2999\n", "exit code 0\n"}, ""},
		{"a silent job outlasts the wait", []string{"-verbose", "-wait=400ms", "sleep 2; echo late"}, 0, []string{"==> a: heartbeat received\n", "    a: late\n", "1 / 1 node(s)"}, ""},
		{"nobody is meant", []string{"-service=none", "-wait=300ms", "echo hi"}, 0, []string{"0 / 0 node(s) completed / acknowledged\n"}, "a: hi"},
		{"another prefix", []string{"-prefix=jobs/here", "echo hi"}, 0, []string{"    a: hi\n"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := row.args
			if !strings.Contains(strings.Join(args, " "), "-wait=") {
				args = append([]string{"-wait=1s"}, args...)
			}
			out, errs, code := n.cli(append([]string{"exec"}, args...)...)
			if code != row.code || errs != "" || row.not != "" && strings.Contains(out, row.not) {
				t.Errorf("%d %s%s", code, out, errs)
			}
			rest := out
			for _, want := range row.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("no %q in %q, or in another order", want, out)
				}
				rest = after
			}
			wantNothingLeft(n)
		})
	}
	t.Run("an interrupt ends it, and the job", func(t *testing.T) {
		r := n.begin("exec", "-wait=1m", "echo up; sleep 600")
		r.says("a: up\n")
		r.cmd.Process.Signal(os.Interrupt)
		if said, code := r.end(); code != 1 {
			t.Errorf("%d %q", code, said)
		}
		wantNothingLeft(n)
	})
	t.Run("an event of a stranger harms nobody", func(t *testing.T) {
		for _, payload := range []string{"", "{", `{"Prefix":"x"}`, `{"Prefix":"x","Session":"y"}`, `{"Prefix":5}`} {
			if err := n.put("/v1/event/fire/_rexec", payload); err != nil {
				t.Fatal(err)
			}
		}
		if out, errs, code := n.cli("exec", "-wait=1s", "echo hi"); code != 0 || !strings.Contains(out, "a: hi\n") {
			t.Errorf("%d %s%s", code, out, errs)
		}
	})
}
