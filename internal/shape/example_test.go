package shape_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"praetor/internal/shape"
)

func Example() {
	message := msgp.AppendMapHeader(nil, 1)
	message = msgp.AppendString(message, "Keys")
	message = msgp.AppendArrayHeader(message, 2)
	message = msgp.AppendString(msgp.AppendString(message, "a"), "b")
	size, rest, err := shape.Of(message)
	fmt.Println(size.Values, size.Maps, size.Longest, len(rest), err)

	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	var body any
	var fault *shape.Error
	fmt.Println(errors.As(json.NewDecoder(shape.NewReader(strings.NewReader(deep))).Decode(&body), &fault))
	// Output:
	// 5 1 2 0 <nil>
	// true
}
