package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/solofusion/solofusion/internal/compute"
	"github.com/solofusion/solofusion/internal/isa"
)

// Machine is what a report's numbers are of.
type Machine struct {
	Processor  string  `json:"processor"`
	Cores      int     `json:"cores"`
	Threads    int     `json:"threads"`
	Go         string  `json:"go"`
	Kernels    isa.Set `json:"kernels"`     // that was chosen; a stage may have none of it
	VectorBits int     `json:"vector_bits"` // of the portable vectors; 0 in a build without
	Limits     Limits  `json:"limits"`
}

// NewMachine describes this machine, and measures its limits.
func NewMachine(with compute.Resources, threads int, e Effort) Machine {
	return Machine{
		Processor:  processor(),
		Cores:      runtime.NumCPU(),
		Threads:    threads,
		Go:         runtime.Version(),
		Kernels:    with.Kernels,
		VectorBits: isa.VectorBits(),
		Limits:     MeasureLimits(with, e),
	}
}

// MeasureAgain measures the limits once more and keeps the better: other programs may
// have slowed the machine down at the first time.
func (m *Machine) MeasureAgain(with compute.Resources, e Effort) {
	again := MeasureLimits(with, e)
	m.Limits.Copy.raise(again.Copy)
	m.Limits.FMA.raise(again.FMA)
}

func (r *Rate) raise(other Rate) { r.One, r.All = max(r.One, other.One), max(r.All, other.All) }

// write writes the machine in a few lines.
func (m *Machine) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s, %d cores, %d threads, %s, %s kernels, vectors of %d bits\n"+
		"copying memory  %7.1f GB/s on one core, %7.1f GB/s on all threads (read and written)\n"+
		"multiply-add    %7.1f GFLOP/s on one core, %7.1f GFLOP/s on all threads\n",
		m.Processor, m.Cores, m.Threads, m.Go, m.Kernels, m.VectorBits,
		m.Limits.Copy.One/1e9, m.Limits.Copy.All/1e9, m.Limits.FMA.One/1e9, m.Limits.FMA.All/1e9)
	return err
}

// processor returns the processor's name or, if the system does not give it as
// Linux does, its architecture.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// copiedBytes returns the size of an array that is twice the last cache.
func copiedBytes() int {
	const least, most = 64 << 20, 512 << 20
	cache := 0
	for level := range 8 {
		text, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu0/cache/index%d/size", level))
		if err != nil {
			break
		}
		kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(string(text)), "K"))
		if err == nil {
			cache = max(cache, kb<<10)
		}
	}
	if cache == 0 {
		return most / 2
	}
	return max(least, min(most, 2*cache))
}
