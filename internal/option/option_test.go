package option

import (
	"math"
	"testing"
	"time"
)

type options struct {
	Wait   time.Duration
	Count  int
	Name   string
	Hidden func()
	hidden int
}

func TestFill(t *testing.T) {
	defaults := options{Wait: time.Second, Count: 3, Name: "x", hidden: 1}
	got := Fill(options{Count: 7}, defaults)
	if got.Wait != time.Second || got.Count != 7 || got.Name != "x" || got.hidden != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		bound Bound
		ok    bool
		want  string
	}{
		{Positive("a", time.Nanosecond), true, "a duration above zero"},
		{Positive("a", 0), false, "a duration above zero"},
		{Positive("a", -1), false, "a duration above zero"},
		{Between("a", time.Millisecond, time.Millisecond, time.Minute), true, "a duration from 1ms to 1m"},
		{Between("a", time.Minute, 50*time.Millisecond, time.Minute), true, "a duration from 50ms to 1m"},
		{Between("a", 0, time.Millisecond, 10*time.Second), false, "a duration from 1ms to 10s"},
		{Between("a", 25*time.Hour, time.Millisecond, 24*time.Hour), false, "a duration from 1ms to 24h"},
		{Between("a", math.MaxInt64, time.Second, 90*time.Minute), false, "a duration from 1s to 1h30m"},
		{Within("b", 1, 1, 3), true, "1 to 3"},
		{Within("b", 3, 1, 3), true, "1 to 3"},
		{Within("b", 4, 1, 3), false, "1 to 3"},
		{Within("b", 0, 1, 3), false, "1 to 3"},
		{OneOf("c", "y", "x", "y", "z"), true, "x, y or z"},
		{OneOf("c", "", "x", "y", "z"), false, "x, y or z"},
	} {
		if test.bound.OK != test.ok || test.bound.Want != test.want {
			t.Errorf("%+v, want %t, %q", test.bound, test.ok, test.want)
		}
	}
	err := Check("word", []Bound{Within("good", 1, 1, 2), Within("bad", 5, 1, 2), Positive("worse", 0)})
	if err == nil || err.Error() != "word: option bad is 5, want 1 to 2" {
		t.Errorf("error %v", err)
	}
	if err := Check("word", []Bound{Within("good", 1, 1, 2)}); err != nil {
		t.Error(err)
	}
}
