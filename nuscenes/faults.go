package nuscenes

// use is what a field is needed for. A schema states it for each field; what
// nothing needs may be absent, and is a [Finding] then.
type use uint16

const (
	answering use = 1 << iota // telling a sample's results from those of others
	timing                    // when a sensor measured
	placing                   // where the vehicle was
	turning                   // and which way it pointed
	mounting                  // where a sensor is on the vehicle
	viewing                   // what else an image needs
	sorting                   // the class of a true box
	grading                   // a true box of a graded class
	masking                   // a bicycle rack
	moving                    // an object's velocity in the samples about
)

// fault is a field of a row that cannot be used, though something needs it. A row
// holds its faults; whoever needs a field asks for them first.
type fault struct {
	TableError
	need use
	next *fault
}

// of returns a *TableError if a field that the use needs cannot be used.
func (f *fault) of(u use) error {
	for ; f != nil; f = f.next {
		if f.need&u != 0 {
			return &f.TableError
		}
	}
	return nil
}
