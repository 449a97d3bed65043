package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"text/tabwriter"
)

// roles, from the least to the most that a token may do.
var roles = []string{"viewer", "operator", "admin"}

func token(ctx context.Context, c command) int {
	return dispatch(ctx, []verb{
		{"add", "make a token for a person or a program", tokenAdd},
		{"ls", "list the tokens, never their secrets", tokenLs},
		{"rm", "remove a token; it is refused from then on", tokenRm},
	}, "longarm token", c)
}

// tokenDoc is a token as the operator API shows it; the secret only once.
type tokenDoc struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Token string `json:"token,omitempty"`
}

const tokenAddHelp = `token add NAME [-role operator] [-json]

Makes a token and prints it; it is shown this once. A viewer sees states, an
operator also calls and cancels, an admin also makes containers and tokens.

  longarm token add alice
  longarm token add wallboard -role viewer
`

func tokenAdd(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("token add", tokenAddHelp)
	role := f.String("role", "operator", "what it may do, a `ROLE`: viewer, operator or admin")
	asJSON := f.Bool("json", false, "print the service's answer as JSON")
	t.flag(f)
	words, code, done := f.parse(1, 1)
	if done {
		return code
	}
	if !slices.Contains(roles, *role) {
		return f.wrong("-role must be viewer, operator or admin, got %q", *role)
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	raw, err := a.do(ctx, request{method: "POST", path: "/tokens", body: tokenDoc{Name: words[0], Role: *role}})
	if err != nil {
		return c.fault(a, err)
	}
	if *asJSON {
		return c.json(raw)
	}
	var made tokenDoc
	if err := decode(raw, &made); err != nil {
		return c.fault(a, err)
	}
	fmt.Fprintln(c.stdout, made.Token)
	return exitDone
}

const tokenLsHelp = `token ls [-json]

Lists the tokens by name and role. Their secrets are not kept anywhere.
`

func tokenLs(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("token ls", tokenLsHelp)
	asJSON := f.Bool("json", false, "print the service's answer as JSON")
	t.flag(f)
	if _, code, done := f.parse(0, 0); done {
		return code
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	raw, err := a.do(ctx, request{method: "GET", path: "/tokens"})
	if err != nil {
		return c.fault(a, err)
	}
	if *asJSON {
		return c.json(raw)
	}
	var list []tokenDoc
	if err := decode(raw, &list); err != nil {
		return c.fault(a, err)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLE")
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%s\n", clean(d.Name), clean(d.Role))
	}
	return c.written(w.Flush())
}

const tokenRmHelp = `token rm NAME

Removes a token. Whoever uses it is refused from then on.
`

func tokenRm(ctx context.Context, c command) int {
	var t target
	f := c.newFlags("token rm", tokenRmHelp)
	t.flag(f)
	words, code, done := f.parse(1, 1)
	if done {
		return code
	}
	a, err := c.connect(t)
	if err != nil {
		return c.fault(nil, err)
	}
	if _, err := a.do(ctx, request{method: "DELETE", path: "/tokens/" + url.PathEscape(words[0])}); err != nil {
		return c.fault(a, err)
	}
	fmt.Fprintf(c.stdout, "the token %s is gone\n", clean(words[0]))
	return exitDone
}
