package amqpbroker

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/go-amqp"
)

// cbsNode is where clients put their tokens.
const cbsNode = "$cbs"

func isCBS(path string) bool { return strings.EqualFold(path, cbsNode) }

// claims are the paths of the entities for which a connection has put tokens.
// The zero value has none.
type claims []string

// cover tells whether a token was put for path or for something above it.
func (c claims) cover(path string) bool {
	path = strings.ToLower(path)
	for _, p := range c {
		if p == "" || path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

func errUnauthorized(path string) *fault {
	return &fault{amqp.ErrCondUnauthorizedAccess,
		fmt.Sprintf("Unauthorized access. No claim covers the resource '%s'.", path), 401}
}

// putToken answers a claim put to $cbs. Claims last as long as the connection.
func (c *conn) putToken(ask *content) (status int32, reason string) {
	audience, _ := ask.application.get("name").(string)
	kind, _ := ask.application.get("type").(string)
	token, _ := ask.value().(string)
	if ask.application.get("operation") != "put-token" {
		return 400, "the operation is not put-token"
	}
	u, err := url.Parse(audience)
	if err != nil || u.Host == "" {
		return 400, "the audience is not an address"
	}
	if c.server.Authorize != nil {
		if err := c.server.Authorize(audience, kind, token); err != nil {
			return 401, err.Error()
		}
	}
	c.claims = append(c.claims, strings.ToLower(strings.Trim(u.Path, "/")))
	return 202, "Accepted"
}
