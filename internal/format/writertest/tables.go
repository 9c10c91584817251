package writertest

import (
	"fmt"
	"time"

	"lakelink"
)

// Account is a small table with a column of every type.
func Account() *lakelink.Table {
	return &lakelink.Table{
		Name: "account", EntitySet: "accounts", DisplayName: "Account", PrimaryKey: "accountid",
		Tracked: true, CanTrack: true,
		Columns: []lakelink.Column{
			{Name: "accountid", Type: lakelink.TypeUniqueidentifier},
			{Name: "versionnumber", Type: lakelink.TypeBigInt},
			{Name: "createdon", Type: lakelink.TypeDateTime, Behavior: lakelink.UserLocal},
			{Name: "modifiedon", Type: lakelink.TypeDateTime, Behavior: lakelink.UserLocal},
			{Name: "name", Type: lakelink.TypeString, MaxLength: 160},
			{Name: "description", Type: lakelink.TypeMemo, MaxLength: 2000},
			{Name: "numberofemployees", Type: lakelink.TypeInteger},
			{Name: "sequence", Type: lakelink.TypeBigInt},
			{Name: "exchangerate", Type: lakelink.TypeDecimal, Precision: 12},
			{Name: "revenue", Type: lakelink.TypeMoney, Precision: 4},
			{Name: "revenue_base", Type: lakelink.TypeMoney, Precision: 4, BaseTwin: true},
			{Name: "address1_latitude", Type: lakelink.TypeDouble, Precision: 5},
			{Name: "creditonhold", Type: lakelink.TypeBoolean},
			{Name: "industrycode", Type: lakelink.TypeChoice},
			{Name: "statecode", Type: lakelink.TypeState},
			{Name: "statuscode", Type: lakelink.TypeStatus},
			{Name: "markets", Type: lakelink.TypeMultiChoice},
			{Name: "foundedon", Type: lakelink.TypeDateTime, Behavior: lakelink.DateOnly},
			{Name: "opensat", Type: lakelink.TypeDateTime, Behavior: lakelink.TimeZoneIndependent},
			{Name: "parentaccountid", Type: lakelink.TypeLookup, Targets: []lakelink.TableName{"account"}},
			{Name: "ownerid", Type: lakelink.TypeOwner, Targets: []lakelink.TableName{"systemuser", "team"}},
			{Name: "customerid", Type: lakelink.TypeCustomer, Targets: []lakelink.TableName{"account", "contact"}},
			{Name: "processid", Type: lakelink.TypeUniqueidentifier},
			{Name: "entityname", Type: lakelink.TypeEntityName},
			{Name: "ismanaged", Type: lakelink.TypeManagedProperty},
		},
	}
}

// Contact is a table of a few columns.
func Contact() *lakelink.Table {
	return &lakelink.Table{
		Name: "contact", EntitySet: "contacts", DisplayName: "Contact", PrimaryKey: "contactid",
		Tracked: true, CanTrack: true,
		Columns: []lakelink.Column{
			{Name: "contactid", Type: lakelink.TypeUniqueidentifier},
			{Name: "versionnumber", Type: lakelink.TypeBigInt},
			{Name: "createdon", Type: lakelink.TypeDateTime, Behavior: lakelink.UserLocal},
			{Name: "fullname", Type: lakelink.TypeString, MaxLength: 160},
		},
	}
}

// With returns the table with columns added at its end.
func With(t *lakelink.Table, columns ...lakelink.Column) *lakelink.Table {
	u := *t
	u.Columns = append(append([]lakelink.Column(nil), t.Columns...), columns...)
	return &u
}

// Contacts makes plain rows of Contact: for each n, a row with that id in that version.
func Contacts(version int64, ns ...int) []Row {
	rows := make([]Row, len(ns))
	for i, n := range ns {
		rows[i] = contact(n, version)
	}
	return rows
}

func contact(n int, version int64) Row {
	return Row{
		"contactid":     ID(n),
		"versionnumber": version,
		"createdon":     time.Date(2020+n%5, 3, 1+n%28, 12, 0, n%60, 0, time.UTC),
		"fullname":      fmt.Sprintf("Contact %d, version %d", n, version),
	}
}

// At makes the position that the suite's n-th version is committed with.
func At(n int64) lakelink.Position {
	return lakelink.Position{
		Checkpoint: lakelink.Checkpoint(fmt.Sprintf("token-%d", n)),
		Version:    n,
		At:         time.Date(2026, 1, 1, 0, 0, int(n), 0, time.UTC),
	}
}

// page makes a position inside a load, whose version is not known yet.
func page(n int) lakelink.Position {
	return lakelink.Position{Checkpoint: lakelink.Checkpoint(fmt.Sprintf("page-%d", n))}
}

func loaded(b *lakelink.Batch) *lakelink.Batch {
	b.Load = true
	return b
}
