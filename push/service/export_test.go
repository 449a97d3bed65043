package service

import (
	"testing"
	"time"

	"longarm/push"
)

// AddContainer adds a container with a known id, name and key.
func AddContainer(t *testing.T, s *Service, id, key string) {
	t.Helper()
	c := push.Container{ID: id, Name: id, Type: push.TypeExternal}
	if _, err := s.addContainer(t.Context(), registration{Object: c, KeyHash: hashKey(key)}); err != nil {
		t.Fatal(err)
	}
}

// AddCall queues a call with a known id.
func AddCall(t *testing.T, s *Service, container, id, data string, life time.Duration) {
	t.Helper()
	c := &call{ID: id, Container: container, Data: data, Life: life, Expires: time.Now().Add(life)}
	c.move(Queued)
	if err := s.writeCall(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}
