package gossip

import (
	"encoding/base64"
	"fmt"

	"github.com/hashicorp/serf/serf"

	"praetor/internal/fault"
)

// maxRelayFactor is reference/internals.md §14.
const maxRelayFactor = 5

// KeyReport is what the members answered to a request about keys. Keys are
// base64 and map to the number of members that have them.
type KeyReport struct {
	Messages                    map[string]string // by member name: why it failed
	Members, Answered, Failures int
	Keys, PrimaryKeys           map[string]int
}

// ListKeys asks all members which keys they have. relayFactor 0 to 5 sends
// each answer along that many more ways. With an error comes what is known.
func (p *Pool) ListKeys(relayFactor int) (KeyReport, error) {
	return p.askKeys("list keys", relayFactor, p.serf.KeyManager().ListKeysWithOptions)
}

// InstallKey makes all members accept a key.
func (p *Pool) InstallKey(key string, relayFactor int) (KeyReport, error) {
	return p.askAboutKey("install key", key, relayFactor, p.serf.KeyManager().InstallKeyWithOptions)
}

// UseKey makes all members encrypt with a key they already have.
func (p *Pool) UseKey(key string, relayFactor int) (KeyReport, error) {
	return p.askAboutKey("use key", key, relayFactor, p.serf.KeyManager().UseKeyWithOptions)
}

// RemoveKey makes all members forget a key that is not the primary one.
func (p *Pool) RemoveKey(key string, relayFactor int) (KeyReport, error) {
	return p.askAboutKey("remove key", key, relayFactor, p.serf.KeyManager().RemoveKeyWithOptions)
}

func (p *Pool) askAboutKey(what, key string, relayFactor int, ask func(string, *serf.KeyRequestOptions) (*serf.KeyResponse, error)) (KeyReport, error) {
	if _, err := base64.StdEncoding.DecodeString(key); err != nil {
		return KeyReport{}, &fault.Error{Kind: fault.Rejected, Text: err.Error(), Err: fmt.Errorf("%s: %w", what, err)}
	}
	return p.askKeys(what, relayFactor, func(o *serf.KeyRequestOptions) (*serf.KeyResponse, error) { return ask(key, o) })
}

func (p *Pool) askKeys(what string, relayFactor int, ask func(*serf.KeyRequestOptions) (*serf.KeyResponse, error)) (KeyReport, error) {
	if relayFactor < 0 || relayFactor > maxRelayFactor {
		return KeyReport{}, fault.New(fault.Invalid, "Relay factor must be in range: [0, %d]", maxRelayFactor)
	}
	answer, err := ask(&serf.KeyRequestOptions{RelayFactor: uint8(relayFactor)})
	report := reportOf(answer)
	if err != nil {
		return report, &fault.Error{Kind: fault.Rejected, Text: err.Error(), Err: fmt.Errorf("%s: %w", what, err)}
	}
	return report, nil
}

// consulsWords are memberlist's texts as reference/internals.md §14 has them.
var consulsWords = map[string]string{
	"removing the primary key is not allowed": "Removing the primary key is not allowed",
	"requested key is not in the keyring":     "Requested key is not in the keyring",
}

func reportOf(answer *serf.KeyResponse) KeyReport {
	for member, text := range answer.Messages {
		if words, ok := consulsWords[text]; ok {
			answer.Messages[member] = words
		}
	}
	return KeyReport{
		Messages:    answer.Messages,
		Members:     answer.NumNodes,
		Answered:    answer.NumResp,
		Failures:    answer.NumErr,
		Keys:        answer.Keys,
		PrimaryKeys: answer.PrimaryKeys,
	}
}
