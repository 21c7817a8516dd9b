package telemetry

import (
	"strconv"
	"strings"
)

// Characters that would end a part of a line.
var (
	wordEscape = strings.NewReplacer(":", "_", " ", "_", "|", "_", "@", "_", "#", "_", "\n", "_")
	tagEscape  = strings.NewReplacer("|", "_", ",", "_", "\n", "_")
)

// line is one figure as statsd and its kin read it: NAME:VALUE|KIND, then for one
// value out of 1/rate |@RATE, then for DogStatsD |#TAG:VALUE,… Elsewhere the
// values of labels are further words of the name.
func (p *pusher) line(name string, value float64, kind string, rate float64, labels []Label) []byte {
	b := make([]byte, 0, 96)
	b = append(b, wordEscape.Replace(name)...)
	if p.Protocol != DogStatsD {
		for _, l := range labels {
			b = append(append(b, '.'), wordEscape.Replace(l.Value)...)
		}
	}
	b = append(b, ':')
	b = strconv.AppendFloat(b, value, 'f', -1, 32)
	b = append(append(b, '|'), kind...)
	if rate < 1 {
		b = strconv.AppendFloat(append(b, "|@"...), rate, 'f', -1, 32)
	}
	if p.Protocol == DogStatsD {
		b = p.appendTags(b, labels)
	}
	return append(b, '\n')
}

func (p *pusher) appendTags(b []byte, labels []Label) []byte {
	before := "|#"
	for _, tag := range p.Tags {
		b = append(append(b, before...), tagEscape.Replace(tag)...)
		before = ","
	}
	for _, l := range labels {
		b = append(append(b, before...), wordEscape.Replace(l.Name)...)
		b = append(append(b, ':'), tagEscape.Replace(l.Value)...)
		before = ","
	}
	return b
}
