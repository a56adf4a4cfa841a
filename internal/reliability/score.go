package reliability

import (
	"github.com/solofusion/solofusion/nuscenes"
	"github.com/solofusion/solofusion/nuscenes/eval"
)

// Resamples is how many draws of the drives the intervals rest on.
const Resamples = 1000

// Share is what is kept of a number, with its interval over drives, which is zero with
// too few of them.
type Share struct {
	Value float64
	eval.Interval
}

// Grade grades what was found in the scenes' samples under a case; frames is the number
// of samples of each.
func (s *Study) Grade(ds *nuscenes.Dataset, scenes []*nuscenes.Scene, frames int, name string) (*eval.Metrics, error) {
	found, err := s.frames(ds, scenes, 0, frames, name)
	if err != nil {
		return nil, err
	}
	return eval.Evaluate(eval.CVPR2019(), found), nil
}

// frames joins what was found under a case with the truth of the samples from the first
// to before the end of each scene.
func (s *Study) frames(ds *nuscenes.Dataset, scenes []*nuscenes.Scene, first, end int, name string) ([]eval.Frame, error) {
	results, err := s.Results(name, scenes)
	if err != nil {
		return nil, err
	}
	part := nuscenes.Split{Name: name}
	for _, scene := range scenes {
		part.Samples = append(part.Samples, scene.Samples[first:min(end, len(scene.Samples))]...)
	}
	return eval.Frames(ds, part, results, eval.CVPR2019())
}

// Kept returns what metrics keep of the clean ones' mAP and NDS: the mean over rounds.
func Kept(clean *eval.Metrics, rounds []*eval.Metrics) (mAP, nds Share) {
	draws := make([][]eval.Headline, len(rounds))
	for i, m := range rounds {
		draws[i] = m.Headlines(Resamples, Seed)
		mAP.Value += m.MeanAP / clean.MeanAP / float64(len(rounds))
		nds.Value += m.NDS / clean.NDS / float64(len(rounds))
	}
	var ap, ds []float64
	for i, whole := range clean.Headlines(Resamples, Seed) {
		a, d := 0.0, 0.0
		for _, round := range draws {
			a += round[i].MeanAP / whole.MeanAP / float64(len(rounds))
			d += round[i].NDS / whole.NDS / float64(len(rounds))
		}
		ap, ds = append(ap, a), append(ds, d)
	}
	if ap != nil {
		mAP.Interval, nds.Interval = eval.Central(ap), eval.Central(ds)
	}
	return mAP, nds
}
