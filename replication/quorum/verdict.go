package quorum

import "fmt"

// Verdict is what a command has come to.
type Verdict int

// The verdicts. All but Pending are final.
const (
	Pending     Verdict = iota
	Met                 // answer
	ClusterDown         // too few members; nothing was applied, so clients may retry
	NoQuorum            // too few copies; what was written may still take effect
	Retry               // a conditional command that nobody accepted: read and decide again
)

// Error is the reply of a write on which `have` of the `need` copies that it
// needs are there; "" for one that was met.
func (v Verdict) Error(have, need int) string {
	switch {
	case v == ClusterDown:
		return fmt.Sprintf("CLUSTERDOWN %d of the %d copies needed are reachable", have, need)
	case v == NoQuorum && have >= need:
		return "NOQUORUM other writes of the key came in between; this one may stand before or after them"
	case v == NoQuorum:
		return fmt.Sprintf("NOQUORUM write is on %d of the %d copies needed and may still take effect", have, need)
	}
	return ""
}

// ReadError is the reply of a read: `have` of the `need` owners were heard, or
// copies hold what was read; "" for one that was met.
func (v Verdict) ReadError(have, need int) string {
	switch v {
	case ClusterDown:
		return fmt.Sprintf("CLUSTERDOWN %d of the %d owners needed for a read are reachable", have, need)
	case NoQuorum:
		return fmt.Sprintf("NOQUORUM read was found on %d of the %d copies needed", have, need)
	}
	return ""
}

// Kind is what to do.
type Kind int

// The kinds of effects.
const (
	Send       Kind = iota // send the record of this round to Target
	Remint                 // mint again over all that replies told of, apply it, and send it to the Sends that follow
	ApplyLocal             // apply the record here if it covers what is here, and feed Local
	MergeLocal             // merge the record here, whatever is here
	Ask                    // ask Target for its hash
	Fetch                  // ask Target for its whole record
	Repair                 // send the merged record to Target
	Answer                 // the verdict is final: answer the client
)

// Effect is one thing that the shell is to do, in the order of the list.
type Effect struct {
	Kind   Kind
	Target Target
	Round  int // of Send and Remint: goes with the reply
}

// Outcome is how a call of a peer ended.
type Outcome int

// The outcomes of a call.
const (
	OK      Outcome = iota
	Refused         // the replica holds what a conditional write had not seen
	Failed          // an error; certainly not applied
	Unknown         // no answer in time, or the connection broke: perhaps applied
)
