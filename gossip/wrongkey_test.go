package gossip_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestAMemberWithAWrongKeyIsRefusedWithALineThatSaysSo(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		var log lockedBuffer
		opts := w.options("m1", 1)
		opts.EncryptKey = key32
		opts.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace})
		m1 := w.open(1, opts)
		for i, tt := range []struct {
			key       []byte
			told, log string
		}{
			{key16, "no installed keys could decrypt the message", "failed to receive: no installed keys could decrypt the message from=10.0.0.5:"},
			{nil, "remote state is encrypted and encryption is not configured", "failed to receive: encryption is configured but remote state is not encrypted from=10.0.0.6:"},
		} {
			_, err := w.encrypted(fmt.Sprint("stranger", i), 5+i, tt.key, "").Join([]string{ip(1)})
			if err == nil || !strings.Contains(err.Error(), tt.told) {
				t.Errorf("the stranger is told %v, want %q", err, tt.told)
			}
			pass(time.Minute)
			if n := strings.Count(log.String(), tt.log); n != 1 {
				t.Errorf("%d lines say %q, want one:\n%s", n, tt.log, log.String())
			}
		}
		if err := m1.alive(1); err != nil {
			t.Error(err)
		}
		if strings.Contains(log.String(), text(key32)) || strings.Contains(log.String(), text(key16)) {
			t.Error("the log shows a key")
		}
	})
}
