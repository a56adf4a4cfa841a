package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/solofusion/solofusion/internal/testbundle"
	"github.com/solofusion/solofusion/onnx"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"solofusion": main})
}

// TestScripts runs testdata/*.txt, each one behaviour that a user can see.
func TestScripts(t *testing.T) {
	library, err := onnx.FindLibrary()
	if err != nil {
		t.Fatal(err)
	}
	bundle := testbundle.Write(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv(onnx.LibraryVariable, library)
			env.Setenv("BUNDLE", bundle)
			return nil
		},
	})
}
