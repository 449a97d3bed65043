package push

import "encoding/json"

// Container is the container object of protocol.md 6, its fields in the order
// that one foreign client's parser depends on. Reading JSON into a Container
// that holds values keeps the fields that are absent, which is what PUT means.
type Container struct {
	Action     Action     `json:"action"`
	System     System     `json:"system"`
	Additional Additional `json:"additional"`
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	// Type is [TypeExternal] for what we register.
	Type       int    `json:"type"`
	CustomerID string `json:"customerId"`
	RealName   string `json:"realName"`
	// MaxHeartbeatTimeout is in minutes; 0 means 20 ([DefaultTimeout]).
	MaxHeartbeatTimeout int    `json:"maxHeartbeatTimeout"`
	ParentID            string `json:"parentId"`
}

// TypeExternal is the type of an external container.
const TypeExternal = 4

// How a container is reached: by polling, or at its URL.
const (
	ActionPush     = "PUSH"
	ActionCallback = "CALLBACK"
)

// Action is how the container is reached and what may be clicked.
type Action struct {
	// Type is [ActionPush] or [ActionCallback].
	Type    string   `json:"type"`
	URL     string   `json:"url"`
	Buttons []Button `json:"buttons"`
}

// Button is one remote button; Data is what a call's data carries.
type Button struct {
	Text   string `json:"text"`
	Data   string `json:"data"`
	ItemID string `json:"itemId"`
}

// System is the machine that the container stands for.
type System struct {
	IP                 string `json:"ip"`
	IsServer           bool   `json:"isServer"`
	IsVM               bool   `json:"isVm"`
	NumberOfProcessors int    `json:"numberOfProcessors"`
	// TotalRAM has the unit that the registering client chose.
	TotalRAM     int64  `json:"totalRam"`
	Architecture string `json:"architecture"`
}

// Additional is the operating system of the machine.
type Additional struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Servicepack string `json:"servicepack"`
	LastStart   string `json:"lastStart"`
}

// Append appends the container as JSON in its pinned key order.
func (c Container) Append(dst []byte) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		return append(dst, "{}"...) // can not happen: no field refuses to be JSON
	}
	return append(dst, b...)
}

// MarshalJSON writes an action without buttons as an empty list, never null.
func (a Action) MarshalJSON() ([]byte, error) {
	type plain Action
	if a.Buttons == nil {
		a.Buttons = []Button{}
	}
	return json.Marshal(plain(a))
}
