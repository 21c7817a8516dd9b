package catalog

import "github.com/tinylib/msgp/msgp"

// Encode returns the log bytes of a command.
func Encode(t CommandType, cmd msgp.Marshaler) ([]byte, error) {
	return cmd.MarshalMsg([]byte{byte(t)})
}
