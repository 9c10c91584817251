package schema

import (
	"strings"

	"github.com/google/uuid"
)

// names is the namespace of the ids that are made from names.
var names = uuid.MustParse("b1d7a4c2-6f0e-5a3b-9c48-2e5d7f6a8013")

// id makes a MetadataId from a name, so that environments made from one schema agree on it.
// Something that is dropped and made anew under its old name must be given another id by whoever
// makes it, as Dataverse does.
func id(kind string, path ...string) string {
	return uuid.NewSHA1(names, []byte(kind+"/"+strings.Join(path, "/"))).String()
}
