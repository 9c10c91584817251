package delta

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// A keySet holds the key indexes of a table's data files, each open from its first use until its
// file leaves the table.
type keySet struct {
	dir  string
	read func(context.Context, *addFile) ([]key, error) // from the data file itself

	mu   sync.Mutex
	open map[string]*keyIndex // by path of the data file
}

func (k *keySet) file(dataPath string) string {
	return filepath.Join(k.dir, path.Base(dataPath)+indexSuffix)
}

// write makes the index of a file that was just written. It sorts keys.
func (k *keySet) write(add *addFile, keys []key) error {
	return writeIndexFile(k.file(add.Path), encodeIndex(keys, add.Size))
}

// get opens the index of a data file, after making it anew where need be.
func (k *keySet) get(ctx context.Context, add *addFile) (*keyIndex, error) {
	k.mu.Lock()
	x := k.open[add.Path]
	k.mu.Unlock()
	if x != nil {
		return x, nil
	}
	x, err := openIndex(k.file(add.Path), add.Size)
	if err != nil {
		keys, err := k.read(ctx, add)
		if err != nil {
			return nil, err
		}
		if err := k.write(add, keys); err != nil {
			return nil, err
		}
		if x, err = openIndex(k.file(add.Path), add.Size); err != nil {
			return nil, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open[add.Path] = x
	return x, nil
}

// all opens the indexes of many files.
func (k *keySet) all(ctx context.Context, adds []*addFile) ([]*keyIndex, error) {
	out := make([]*keyIndex, len(adds))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, add := range adds {
		g.Go(func() (err error) {
			out[i], err = k.get(ctx, add)
			return err
		})
	}
	return out, g.Wait()
}

// drop closes and removes the index of a file that has left the table.
func (k *keySet) drop(dataPath string) {
	k.mu.Lock()
	x := k.open[dataPath]
	delete(k.open, dataPath)
	k.mu.Unlock()
	if x != nil {
		x.close()
	}
	os.Remove(k.file(dataPath))
}

// sweep removes the indexes of files that are neither live nor open.
func (k *keySet) sweep(live map[string]bool) {
	entries, _ := os.ReadDir(k.dir)
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), indexSuffix); !ok || !live[name] {
			os.Remove(filepath.Join(k.dir, e.Name()))
		}
	}
}

func (k *keySet) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for path, x := range k.open {
		x.close()
		delete(k.open, path)
	}
}
