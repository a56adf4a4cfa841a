package watch

import (
	"time"

	"github.com/solofusion/solofusion/perception"
)

// Record is a message as a JSON object: exactly one of its fields is set.
type Record struct {
	Result *ResultRecord `json:"result,omitempty"`
	Status *StatusRecord `json:"status,omitempty"`
}

// ResultRecord is a result. Places are in the vehicle's frame at its time, x ahead, y
// left, z up.
type ResultRecord struct {
	Time       time.Time            `json:"time"`
	Arrived    time.Time            `json:"arrived"`
	Rig        string               `json:"rig"`
	KeyFrame   string               `json:"key_frame,omitempty"`
	Cameras    map[string]time.Time `json:"cameras"` // capture times of those used
	Missing    []string             `json:"missing,omitempty"`
	Rejected   map[string]string    `json:"rejected,omitempty"`
	Damaged    map[string]string    `json:"damaged,omitempty"`
	Suspect    map[string]string    `json:"suspect,omitempty"`
	Depth      int                  `json:"history_depth"`
	AgeSeconds float64              `json:"history_age_s"`
	Reset      string               `json:"reset,omitempty"`
	Model      string               `json:"model"`
	Stages     map[string]float64   `json:"stages_ms"`
	Boxes      []Box                `json:"boxes"`
}

// Box is a detection. Size is width, length, height in metres, yaw in radians, velocity
// in metres a second.
type Box struct {
	Class    string     `json:"class"`
	Score    float32    `json:"score"`
	Center   [3]float64 `json:"center"`
	Size     [3]float64 `json:"size"`
	Yaw      float64    `json:"yaw"`
	Velocity [2]float64 `json:"velocity"`
}

// StatusRecord is a status message.
type StatusRecord struct {
	Time      time.Time         `json:"time"`
	State     string            `json:"state"`
	Waiting   string            `json:"waiting_for,omitempty"`
	Ready     bool              `json:"ready"`
	Words     string            `json:"words"`
	Troubles  []TroubleRecord   `json:"troubles,omitempty"`
	Model     string            `json:"model,omitempty"`
	LastError string            `json:"last_error,omitempty"`
	Outside   []string          `json:"outside,omitempty"`
	Counts    map[string]uint64 `json:"counts"`
}

// TroubleRecord is one thing that is wrong.
type TroubleRecord struct {
	Subject  string    `json:"subject"`
	Cause    string    `json:"cause"`
	Words    string    `json:"words,omitempty"`
	Since    time.Time `json:"since"`
	Count    uint64    `json:"count"`
	Degrades bool      `json:"degrades"`
}

func resultRecord(r *perception.Result, arrived time.Time, score float64) *ResultRecord {
	record := &ResultRecord{
		Time: r.Time, Arrived: arrived.UTC(), Rig: r.Rig, KeyFrame: r.KeyFrame, Cameras: r.Captured, Missing: r.Missing,
		Rejected: r.Rejected, Damaged: r.Damaged, Suspect: r.Suspect, Depth: r.HistoryDepth, AgeSeconds: r.HistoryAge.Seconds(), Reset: r.Reset, Model: r.Model,
		Stages: map[string]float64{}, Boxes: []Box{},
	}
	for stage, took := range r.StageDurations {
		record.Stages[stage] = float64(took) / float64(time.Millisecond)
	}
	for _, d := range strong(r, score) {
		at := d.Placement().In(r.EgoFromModel)
		record.Boxes = append(record.Boxes, Box{
			Class: d.Class.String(), Score: d.Score, Center: at.Center, Size: d.Size, Yaw: at.Yaw(),
			Velocity: [2]float64{at.Velocity[0], at.Velocity[1]},
		})
	}
	return record
}

func statusRecord(st *perception.Status) *StatusRecord {
	record := &StatusRecord{
		Time: st.Time, State: string(st.State), Waiting: st.WaitingFor, Ready: st.Ready, Words: st.Words, Model: st.Model,
		LastError: st.LastError, Outside: st.Outside, Counts: st.Counts,
	}
	for _, t := range st.Troubles {
		record.Troubles = append(record.Troubles, TroubleRecord{t.Subject, t.Cause, t.Words, t.Since, t.Count, t.Degrades})
	}
	return record
}
