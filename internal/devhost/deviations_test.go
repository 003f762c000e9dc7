package devhost_test

// deviates are the recordings that devhost does not follow in everything,
// with the reason. docs/devhost.md has the same list.
var deviates = map[string]string{
	"http-forwarded-answer-299-reason": "a status that Go's server does not know gets another reason phrase",
	"http-forwarded-answer-304":        "Go's server sends no Content-Length with a 304",
}
