package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/onnx"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"solofusion": main})
}

// TestScripts runs testdata/*.txt, each one behaviour that a user can see.
//
// $BUNDLE is a bundle that the scripts share, $ONE_CAR the folder
// testdata/one_car. The line "drive" gives $DRIVE, a rendered drive of four
// frames, and $DIRECT, what replay detects in it. A script changes only its
// copies of them. The line "converter NAME DIR" writes the data set of a converter.
func TestScripts(t *testing.T) {
	library, err := onnx.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	oneCar, err := filepath.Abs(filepath.Join("testdata", "one_car"))
	if err != nil {
		t.Fatal(err)
	}
	bundle := testbundle.Write(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv(onnx.LibraryVariable, library)
			env.Setenv("LIBRARY", library)
			env.Setenv("BUNDLE", bundle)
			env.Setenv("ONE_CAR", oneCar)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"drive":     driveCommand(t.TempDir(), library, bundle),
			"converter": converterCommand,
		},
	})
}

// driveCommand returns the scripts' command "drive", which renders the drive in
// dir and detects in it at the first call.
func driveCommand(dir, library, bundle string) func(*testscript.TestScript, bool, []string) {
	drive, direct := filepath.Join(dir, "drive"), filepath.Join(dir, "direct.json")
	render := sync.OnceValue(func() error {
		for _, args := range [][]string{
			{"synth", "--out", drive, "--frames", "4", "--seed", "3"},
			{"replay", drive, "--model", bundle, "--out", direct},
		} {
			c := exec.Command("solofusion", args...)
			c.Env = []string{onnx.LibraryVariable + "=" + library} // as in a script, nothing of the caller's
			if out, err := c.CombinedOutput(); err != nil {
				return fmt.Errorf("solofusion %s: %w\n%s", strings.Join(args, " "), err, out)
			}
		}
		return nil
	})
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		ts.Check(render())
		ts.Setenv("DRIVE", drive)
		ts.Setenv("DIRECT", direct)
	}
}
