package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// binary is a stripped agent in dist and its budget in bytes.
type binary struct {
	file, name string
	budget     int64
}

var binaries = []binary{
	{"longarm-agent-armv6", "agent for arm/6, static and stripped", 6_815_744},
	{"longarm-agent-armv7", "agent for arm/7, static and stripped", 6_815_744},
	{"longarm-agent-arm64", "agent for arm64, static and stripped", 6_291_456},
}

// sizes holds the agents in dist against their budgets.
func (b *benchmark) sizes(t *table) error {
	for _, bin := range binaries {
		bar := grouped(bin.budget) + " bytes"
		path := filepath.Join(b.dist, bin.file)
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			t.skip(bin.name, bar, "make cross")
			continue
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", bin.file, err)
		}
		e, err := readELF(path)
		if err != nil {
			return err
		}
		measured := fmt.Sprintf("%s bytes, sections %s", grouped(info.Size()), grouped(e.sections))
		if e.fault != "" {
			measured += ", " + e.fault
		}
		t.add(bin.name, bar, measured, judge(info.Size() <= bin.budget && e.fault == ""))
	}
	return nil
}

// elfFile is what counts of a program file.
type elfFile struct {
	sections int64  // bytes that are loaded from the file, without padding
	fault    string // not static or not stripped; else empty
}

func readELF(path string) (elfFile, error) {
	f, err := elf.Open(path)
	if err != nil {
		return elfFile{}, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	var e elfFile
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 && s.Type != elf.SHT_NOBITS {
			e.sections += int64(s.Size)
		}
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			e.fault = "not static"
		}
	}
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
		e.fault = "not stripped"
	}
	return e, nil
}
