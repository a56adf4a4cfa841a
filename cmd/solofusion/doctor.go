package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"gocv.io/x/gocv"

	"github.com/solofusion/solofusion/internal/isa"
	"github.com/solofusion/solofusion/internal/preempt"
	"github.com/solofusion/solofusion/model"
	"github.com/solofusion/solofusion/nuscenes/survey"
	"github.com/solofusion/solofusion/onnx"
	"github.com/solofusion/solofusion/perception/pipeline"
)

type doctorCmd struct {
	Dataset        string `arg:"" optional:"" help:"Folder of a data set in nuScenes format, to examine it in place of the installation." placeholder:"DATASET"`
	DatasetVersion string `help:"Folder of the tables; not needed if there is only one." placeholder:"V"`
	Model          string `default:"default" help:"Bundle whose training the data set's cameras are compared with." placeholder:"B"`

	Providers []string `help:"ONNX Runtime's execution providers that must work: tensorrt, cuda, cpu." placeholder:"P,Q"`
	Device    int      `default:"0" env:"SOLOFUSION_ONNX_DEVICE" help:"Number of the GPU that tensorrt and cuda use." placeholder:"N"`
}

func (doctorCmd) Help() string {
	return `Prints a table of what this program runs on. Each fault is followed by its remedy.
The exit code is 1 if there is a fault. Each provider is tried with a small graph. One that does not
work is a fault only if --providers names it, since the CPU takes its place.

With a data set it prints what that has: tables, scenes, rigs, rates and gaps, absent images, splits,
all that is wrong with it, and what replay, trace and eval can do with it. The exit code is 1 if
none of them can use it.

Examples:

  solofusion doctor
  solofusion doctor --providers tensorrt
  solofusion doctor data/nuscenes --dataset-version v1.0-mini`
}

func (c doctorCmd) Run(context.Context) error {
	if c.Dataset == "" {
		return c.diagnose(os.Stdout)
	}
	version, err := versionOf(c.Dataset, c.DatasetVersion)
	if err != nil {
		return err
	}
	s, err := survey.Of(c.Dataset, version)
	if err != nil {
		return err
	}
	if err := s.Write(os.Stdout); err != nil {
		return fmt.Errorf("doctor: %w", err)
	}
	if err := c.compareCameras(s); err != nil {
		return err
	}
	return s.Useless()
}

// compareCameras prints what of each rig's cameras the model's training never saw.
func (c doctorCmd) compareCameras(s *survey.Survey) error {
	b, err := model.Open(c.Model)
	if err != nil {
		return err
	}
	for i, found := range s.Rigs {
		rig, err := s.Dataset.Rig(s.Dataset.Sample(found.First), nil)
		if err != nil {
			continue // the survey says why
		}
		unfamiliar, err := pipeline.Unfamiliar(&b.Manifest, rig)
		if err != nil {
			return err
		}
		if len(unfamiliar) == 0 {
			fmt.Printf("%-10s%s knows cameras like those of rig %d\n", "model", b.ID(), i+1)
		}
		for _, words := range unfamiliar {
			fmt.Printf("%-10s%s does not know cameras of rig %d: %s\n", "model", b.ID(), i+1, words)
		}
	}
	return nil
}

// finding is one row of the doctor's table. remedy is empty if the row is no fault.
type finding struct{ part, state, remedy string }

// diagnose writes the table, and returns an error if a row is a fault.
func (c doctorCmd) diagnose(w io.Writer) error {
	wanted := (&providerFlags{Providers: c.Providers}).names()
	if len(wanted) > 0 {
		if err := onnx.CheckProviders(wanted); err != nil {
			return err
		}
	}
	findings := []finding{goFinding(), {part: "OpenCV", state: gocv.OpenCVVersion()}}
	rt, library := runtimeFinding()
	findings = append(findings, library)
	if rt != nil {
		findings = append(findings, providerFindings(rt, wanted, c.Device)...)
	}
	features := isa.Detect()
	findings = append(findings,
		finding{part: "processor", state: fmt.Sprintf("%s, %d cores: %v", runtime.GOARCH, runtime.NumCPU(), features)},
		kernelFinding(os.Getenv(isa.Variable), features),
		preemptionFinding(preempt.Current(), preempt.Exposed(), preempt.Observe()),
		modelFinding(rt))

	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var faults []string
	for _, f := range findings {
		fmt.Fprintf(table, "%s\t%s\n", f.part, f.state)
		if f.remedy != "" {
			fmt.Fprintf(table, "\t→ %s\n", f.remedy)
			faults = append(faults, f.part)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("doctor: %w", err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("doctor: not ready: %s", strings.Join(faults, ", "))
	}
	return nil
}

func goFinding() finding {
	experiment := "without GOEXPERIMENT=simd"
	if strings.Contains(runtime.Version(), "simd") {
		experiment = "with GOEXPERIMENT=simd"
	}
	return finding{part: "Go", state: runtime.Version() + ", built " + experiment}
}

// runtimeFinding returns the loaded library, or nil and a fault.
func runtimeFinding() (*onnx.Runtime, finding) {
	rt, err := onnx.Open("")
	if err != nil {
		return nil, finding{"ONNX Runtime", err.Error(), "make deps, or set " + onnx.LibraryVariable}
	}
	return rt, finding{part: "ONNX Runtime", state: rt.Version() + " in " + rt.Library()}
}

// providerFindings lists the execution providers that work, and says why others do not.
// Since the CPU's always works, others are a fault only if they are wanted.
func providerFindings(rt *onnx.Runtime, wanted []string, device int) []finding {
	var there []string
	var absent []finding
	for _, p := range onnx.Providers {
		err := rt.Available(p, device)
		if err == nil {
			there = append(there, p)
			continue
		}
		reason := strings.TrimPrefix(err.Error(), "onnx: provider "+p+": ")
		if slices.Contains(wanted, p) {
			absent = append(absent, finding{p, reason, "docs/operations.md, section GPUs"})
		} else {
			absent = append(absent, finding{state: "not " + p + ": " + reason})
		}
	}
	findings := append([]finding{{part: "providers", state: strings.Join(there, ", ")}}, absent...)
	if version := rt.TensorRT(); version != "" {
		findings = append(findings, tensorRTFinding(version))
	}
	return findings
}

// tensorRTFinding says which TensorRT there is, and where its engines are kept.
func tensorRTFinding(version string) finding {
	folder, err := onnx.CacheFolder()
	if err != nil {
		return finding{"TensorRT", version + ": " + err.Error(), "set XDG_CACHE_HOME"}
	}
	return finding{part: "TensorRT", state: version + ", engines in " + folder}
}

func kernelFinding(asked string, features isa.Features) finding {
	set, err := isa.Choose(asked, features)
	if err != nil {
		return finding{"kernels", err.Error(), "unset " + isa.Variable}
	}
	if err := isa.Require(os.Getenv(isa.RequireVariable), set); err != nil {
		return finding{"kernels", err.Error(), "unset " + isa.RequireVariable + ", or build for a set that has it"}
	}
	return finding{part: "kernels", state: string(set) + vectorsFinding(set, features)}
}

// vectorsFinding says how long portable vectors are, if the set has any.
func vectorsFinding(set isa.Set, features isa.Features) string {
	switch bits := isa.VectorBits(); {
	case set == isa.Generic:
		return ""
	case bits == 0:
		return ", portable vectors emulated, which is slow: unset GODEBUG=simd=0"
	case bits == 128 && slices.Contains(features, "avx2"):
		return ", portable vectors of 128 bits; with GODEBUG=simd=+256 they are of 256"
	default:
		return fmt.Sprintf(", portable vectors of %d bits", bits)
	}
}

// slow is the ratio from which interruptions count as a fault: scalar code after one
// takes that many times as long. It is near 1 if they do no harm, otherwise up to 4.
const slow = 1.5

// preemptionFinding describes where the runtime interrupts goroutines, and whether
// that slows this machine down. A measured slowdown is a fault with any setting.
func preemptionFinding(set preempt.Setting, exposed bool, cost preempt.Cost) finding {
	where := "anywhere, "
	if set.Off {
		where = "at function calls, "
	}
	f := finding{part: "preemption", state: where + string(set.By)}
	ratio, measured := cost.Slowdown()
	switch {
	case measured && ratio >= slow:
		f.state += fmt.Sprintf(": scalar code then takes %.1f times as long", ratio)
		f.remedy = "make build, or set " + preempt.Variable + "=" + preempt.Cure
	case set.Off:
	case !exposed:
		f.state += ": harmless, vector registers are not saved in full"
	case measured:
		f.state += fmt.Sprintf(": harmless here, scalar code then takes %.2f times as long", ratio)
	default:
		f.state += fmt.Sprintf(": cost unknown, seen in %d of %d loops; %s=%s avoids it",
			cost.Interrupted, cost.Loops, preempt.Variable, preempt.Cure)
	}
	return f
}

// modelFinding verifies the embedded bundle, with its graphs if rt, which reads them,
// is not nil.
func modelFinding(rt *onnx.Runtime) finding {
	b, err := model.Default()
	if err != nil {
		return finding{"model", err.Error(), "build from a checkout with model/default, or give --model a folder"}
	}
	if rt == nil {
		return finding{part: "model", state: b.ID() + ", graphs not read"}
	}
	notes, err := pipeline.Verify(b)
	if err != nil {
		return finding{"model", strings.ReplaceAll(err.Error(), "\n", "; "), "build from a clean checkout"}
	}
	var names []string
	for _, set := range b.Sets() {
		names = append(names, set.Name())
	}
	words := append([]string{b.ID() + ", graphs " + strings.Join(names, ", ") + ", verified"}, notes...)
	return finding{part: "model", state: strings.Join(words, "; ")}
}
