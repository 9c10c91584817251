package store

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"lakelink/internal/devserver/schema"
)

// ErrStateStatus means that a status reason does not belong to the state of its row.
var ErrStateStatus = errors.New("status reason does not belong to the state")

// defaults are the columns of a table that the server fills in; nil where the table has none.
type defaults struct {
	createdOn, modifiedOn, createdBy, modifiedBy      *schema.Column
	overriddenCreatedOn                               *schema.Column
	owner, owningUser, owningTeam, owningBusinessUnit *schema.Column
	organization                                      *schema.Column
	state, status                                     *schema.Column
	currency, exchangeRate                            *schema.Column
	fullName, firstName, lastName                     *schema.Column
	activityType                                      *schema.Column
	money                                             []baseTwin
}

// A baseTwin is a money column with the one that holds it in the base currency.
type baseTwin struct{ amount, base *schema.Column }

func newDefaults(t *Table) defaults {
	d := defaults{
		createdOn: t.Column("createdon"), modifiedOn: t.Column("modifiedon"),
		createdBy: t.Column("createdby"), modifiedBy: t.Column("modifiedby"),
		overriddenCreatedOn: t.Column("overriddencreatedon"),
		owner:               t.Column("ownerid"),
		owningUser:          t.Column("owninguser"), owningTeam: t.Column("owningteam"),
		owningBusinessUnit: t.Column("owningbusinessunit"),
		state:              t.Column("statecode"), status: t.Column("statuscode"),
		currency: t.Column("transactioncurrencyid"), exchangeRate: t.Column("exchangerate"),
	}
	if d.owner != nil && d.owner.Type != schema.Owner {
		d.owner = nil
	}
	if d.state != nil && d.state.Type != schema.State || d.status != nil && d.status.Type != schema.Status {
		d.state, d.status = nil, nil
	}
	if c := t.Column("organizationid"); c != nil && c.IsLookup() {
		d.organization = c
	}
	if t.LogicalName == "transactioncurrency" {
		d.exchangeRate = nil // here it is data, not a copy
	}
	if first, last, full := t.Column("firstname"), t.Column("lastname"), t.Column("fullname"); first != nil && last != nil {
		d.firstName, d.lastName, d.fullName = first, last, full
	}
	if t.Activity && t.LogicalName != "activitypointer" {
		d.activityType = t.Column("activitytypecode")
	}
	for _, c := range t.Columns {
		if c.Type != schema.Money || c.CalculationOf == "" {
			continue
		}
		if amount := t.Column(c.CalculationOf); amount != nil {
			d.money = append(d.money, baseTwin{amount, c})
		}
	}
	return d
}

// A draft is a row being written: its fields, found by column number in constant time.
type draft struct {
	table *Table
	row   Row
	slot  []int32 // by column number: 1 + index into row, 0 if absent
}

// reset starts a draft of a row with the given fields; a later field of a column wins.
func (d *draft) reset(t *Table, row Row) {
	d.table, d.row = t, d.row[:0]
	if cap(d.slot) < len(t.byNumber) {
		d.slot = make([]int32, len(t.byNumber))
	}
	d.slot = d.slot[:len(t.byNumber)]
	clear(d.slot)
	for i := range row {
		d.set(row[i].Column, row[i].Value)
	}
}

func (d *draft) has(c *schema.Column) bool { return c != nil && d.slot[c.Number] != 0 }

func (d *draft) get(c *schema.Column) Value {
	if c == nil || d.slot[c.Number] == 0 {
		return nil
	}
	return d.row[d.slot[c.Number]-1].Value
}

// set gives a column a value. It does nothing if c is nil.
func (d *draft) set(c *schema.Column, v Value) {
	switch {
	case c == nil:
	case d.slot[c.Number] != 0:
		d.row[d.slot[c.Number]-1].Value = v
	default:
		d.row = append(d.row, Field{c, v})
		d.slot[c.Number] = int32(len(d.row))
	}
}

// setDefault gives a column a value unless it is there already, if only as null.
func (d *draft) setDefault(c *schema.Column, v Value) {
	if c != nil && d.slot[c.Number] == 0 {
		d.set(c, v)
	}
}

// fillNew gives a row that is being created what the caller left out.
func (tx *Tx) fillNew(d *draft) error {
	f := &d.table.defaults
	now, user := tx.Now(), Ref{"systemuser", tx.caller}
	if at := d.get(f.overriddenCreatedOn); at != nil && !d.has(f.createdOn) {
		d.set(f.createdOn, at)
	}
	d.setDefault(f.createdOn, now)
	d.setDefault(f.modifiedOn, now)
	d.setDefault(f.createdBy, user)
	d.setDefault(f.modifiedBy, user)
	d.setDefault(f.owner, user)
	d.setDefault(f.activityType, d.table.LogicalName)
	d.setDefault(f.organization, Ref{"organization", tx.store.env.OrganizationID})
	if f.state != nil && f.status != nil && len(f.state.Options) > 0 {
		stateGiven, statusGiven := d.get(f.state) != nil, d.get(f.status) != nil
		if !stateGiven {
			d.set(f.state, int64(f.state.Options[0].Value))
		}
		if err := deriveStatus(d, stateGiven, statusGiven); err != nil {
			return err
		}
	}
	return tx.derive(d, func(*schema.Column) bool { return true })
}

// derive sets the columns that follow from others. changed says which were written.
func (tx *Tx) derive(d *draft, changed func(*schema.Column) bool) error {
	f := &d.table.defaults
	if f.owner != nil && changed(f.owner) {
		tx.deriveOwner(d)
	}
	if f.fullName != nil && (changed(f.firstName) || changed(f.lastName)) {
		first, _ := d.get(f.firstName).(string)
		last, _ := d.get(f.lastName).(string)
		if name := strings.TrimSpace(first + " " + last); name != "" {
			d.set(f.fullName, name)
		} else {
			d.set(f.fullName, nil)
		}
	}
	return tx.deriveMoney(d, changed)
}

func (tx *Tx) deriveOwner(d *draft) {
	f := &d.table.defaults
	owner, ok := d.get(f.owner).(Ref)
	if !ok {
		return
	}
	if owner.Table == "team" {
		d.set(f.owningTeam, owner)
		d.set(f.owningUser, nil)
	} else {
		d.set(f.owningUser, owner)
		d.set(f.owningTeam, nil)
	}
	d.setDefault(f.owningBusinessUnit, Ref{"businessunit", tx.store.env.BusinessUnitID})
}

// deriveStatus makes state and status reason agree: a lone state takes its first reason, a lone
// reason brings its state, and two that disagree are an error.
func deriveStatus(d *draft, stateGiven, statusGiven bool) error {
	f := &d.table.defaults
	state, _ := toInt(d.get(f.state))
	if !statusGiven {
		if o, ok := f.state.Option(int(state)); ok {
			d.set(f.status, int64(o.DefaultStatus))
		}
		return nil
	}
	status, _ := toInt(d.get(f.status))
	for _, o := range f.status.Options {
		if o.Value != int(status) {
			continue
		}
		if o.State == int(state) {
			return nil
		}
		if !stateGiven {
			d.set(f.state, int64(o.State))
			return nil
		}
		return fmt.Errorf("%w: %d is not a valid status code for state code %d on %s",
			ErrStateStatus, status, state, d.table.LogicalName)
	}
	return nil
}

func toInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	}
	return 0, false
}

// deriveMoney keeps currency, exchange rate and the base-currency twins of money columns.
func (tx *Tx) deriveMoney(d *draft, changed func(*schema.Column) bool) error {
	f := &d.table.defaults
	if f.currency == nil || len(f.money) == 0 {
		return nil
	}
	needed, reprice := false, changed(f.currency)
	for _, m := range f.money {
		if d.get(m.amount) != nil {
			needed = true
		}
		reprice = reprice || changed(m.amount)
	}
	if !reprice {
		return nil
	}
	currency, ok := d.get(f.currency).(Ref)
	if !ok && !needed {
		return nil
	}
	if !ok {
		currency = Ref{"transactioncurrency", tx.store.env.CurrencyID}
		d.set(f.currency, currency)
	}
	rate, err := tx.exchangeRate(currency.ID)
	if err != nil {
		return err
	}
	d.set(f.exchangeRate, rate)
	for _, m := range f.money {
		base, err := inBaseCurrency(d.get(m.amount), rate)
		if err != nil {
			return err
		}
		if base != nil || d.has(m.base) {
			d.set(m.base, base)
		}
	}
	return nil
}

const rateOfBase Decimal = "1.0000000000"

// exchangeRate returns how many units of a currency one unit of the base currency is worth.
func (tx *Tx) exchangeRate(currency ID) (Decimal, error) {
	if currency == tx.store.env.CurrencyID {
		return rateOfBase, nil
	}
	if rate, ok := tx.rates[currency]; ok {
		return rate, nil
	}
	rate := rateOfBase
	row, _, err := tx.get(tx.store.tables["transactioncurrency"], currency)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if v, ok := row.Get("exchangerate").(Decimal); ok {
		rate = v
	}
	if tx.rates == nil {
		tx.rates = map[ID]Decimal{}
	}
	tx.rates[currency] = rate
	return rate, nil
}

func inBaseCurrency(amount Value, rate Decimal) (Value, error) {
	if amount == nil || rate == rateOfBase {
		return amount, nil
	}
	a, ok := new(big.Rat).SetString(fmt.Sprint(amount))
	r, ok2 := new(big.Rat).SetString(string(rate))
	if !ok || !ok2 || r.Sign() == 0 {
		return nil, fmt.Errorf("cannot convert %v at rate %s", amount, rate)
	}
	return Decimal(a.Quo(a, r).FloatString(4)), nil
}
