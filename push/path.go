package push

import (
	"net/url"
	"strings"
)

// PollPath is where container polls. It and the paths below are those of
// protocol.md 1 under either mount, with the ids percent-escaped.
func PollPath(container string) string { return "/push/" + escape(container) }

// AckPath is where a call of container is acknowledged.
func AckPath(container, message string) string {
	return PollPath(container) + "/ack/" + escape(message)
}

// ResultPath is where a call of container is answered.
func ResultPath(container, message string) string {
	return PollPath(container) + "/result/" + escape(message)
}

// SignOffPath is where container signs off.
func SignOffPath(container string) string { return PollPath(container) + "/signoff" }

// StatePath is where our agent sends its state.
func StatePath(container string) string { return PollPath(container) + "/state" }

// CallPath is where container asks for a call to target ([CallRequest]).
func CallPath(container, target string) string {
	return PollPath(container) + "/call/" + escape(target)
}

// ContainerPath is where a container's object is read, with the query
// [ContainerQuery].
const ContainerPath = "/1/container"

// ContainerQuery names the container at [ContainerPath].
func ContainerQuery(container string) string { return "id=" + url.QueryEscape(container) }

// escape makes an id one path segment. "." and ".." would be steps in the path
// (RFC 3986, section 5.2.4), so their dots are escaped, too.
func escape(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}
