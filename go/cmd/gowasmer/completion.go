package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// completion prints the script by which a shell completes command lines.
func completion(_ *settings, arguments []string, s streams) error {
	if len(arguments) != 1 {
		return usagef("completion takes the name of a shell, bash or zsh, given %d arguments", len(arguments))
	}
	script := ""
	switch arguments[0] {
	case "bash":
		script = bashCompletion()
	case "zsh":
		script = zshCompletion()
	default:
		return usagef("completion is there for bash and zsh, given %q", arguments[0])
	}
	_, err := io.WriteString(s.out, script)
	return err
}

// bashCompletion returns the script for bash. Bash splits words at "=": --option=value is three.
func bashCompletion() string {
	var names, arms []string
	var directories, files, others []string
	for _, c := range commands() {
		names = append(names, c.name)
		dashed := []string{"--help"}
		for _, o := range c.options(new(settings)) {
			dashed = append(dashed, o.dashed())
			switch {
			case o.value == "":
			case o.files == "directories":
				directories = append(directories, o.dashed())
			case o.files == "files":
				files = append(files, o.dashed())
			default:
				others = append(others, o.dashed())
			}
		}
		slices.Sort(dashed)
		arm := fmt.Sprintf("    %s) options='%s'", c.name, strings.Join(dashed, " "))
		if c.words != nil {
			arm += fmt.Sprintf(" words='%s'", strings.Join(c.words, " "))
		}
		if c.anywhere {
			arm += " anywhere=1"
		}
		arms = append(arms, arm+" ;;\n")
	}
	alternatives := func(lists ...[]string) string {
		all := slices.Concat(lists...)
		slices.Sort(all)
		return strings.Join(slices.Compact(all), "|")
	}
	return strings.NewReplacer(
		"@NAMES@", strings.Join(names, " "),
		"@ARMS@", strings.Join(arms, ""),
		"@DIRECTORIES@", alternatives(directories),
		"@FILES@", alternatives(files),
		"@OTHERS@", alternatives(others),
		"@VALUED@", alternatives(directories, files, others),
	).Replace(bashScript)
}

const bashScript = `# Completion of gowasmer for bash: source <(gowasmer completion bash)
_gowasmer() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local command=${COMP_WORDS[1]} options= words= anywhere= joined= i
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '@NAMES@ --help --version' -- "$current"))
        return
    fi
    case $command in
@ARMS@    *) return ;;
    esac
    # --option=value is three words.
    if [[ $current == = ]]; then
        current= joined=1
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]} joined=1
    fi
    case $previous in
    @DIRECTORIES@)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return ;;
    @FILES@)
        return ;; # files are the default
    @OTHERS@)
        compopt +o default +o bashdefault 2>/dev/null
        return ;;
    --*)
        if [[ $joined ]]; then
            COMPREPLY=($(compgen -W 'true false' -- "$current"))
            return
        fi ;;
    esac
    # Behind the file all belongs to the guest, unless the command takes options anywhere.
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        @VALUED@)
            [[ ${COMP_WORDS[i+1]} == = ]] && ((i++))
            ((i++)) ;;
        =) ((i++)) ;;
        -*) ;;
        *) [[ $anywhere ]] || return
            words= ;;
        esac
    done
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [[ $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    fi
}
complete -o bashdefault -o default -F _gowasmer gowasmer
`

// zshCompletion returns the script for zsh.
func zshCompletion() string {
	var names, cases strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&names, "        %s\n", zshQuote(c.name+":"+c.short))
		fmt.Fprintf(&cases, "    %s)\n        _arguments", c.name)
		if !c.anywhere {
			cases.WriteString(" -S -A '-*'")
		}
		fmt.Fprintf(&cases, " \\\n            %s", zshQuote("(- *)--help[explain the command]"))
		for _, o := range c.options(new(settings)) {
			spec := "*" + o.dashed()
			description := "[" + zshEscape(o.usage, "[]:") + "]"
			switch {
			case o.value == "":
				spec += description
			case len(o.name) == 1:
				spec += description + ":" + zshEscape(o.value, ":") + ":"
			default:
				spec += "=" + description + ":" + zshEscape(o.value, ":") + ":"
			}
			if o.files != "" {
				spec += "_" + o.files
			}
			fmt.Fprintf(&cases, " \\\n            %s", zshQuote(spec))
		}
		switch {
		case c.words != nil:
			fmt.Fprintf(&cases, " \\\n            %s", zshQuote("1:argument:("+strings.Join(c.words, " ")+")"))
		case strings.Contains(c.synopsis, "FILE"):
			fmt.Fprintf(&cases, " \\\n            %s \\\n            %s", zshQuote("1:FILE:_files"), zshQuote("*:ARG:_files"))
		}
		cases.WriteString(" ;;\n")
	}
	return strings.NewReplacer("@NAMES@", names.String(), "@CASES@", cases.String()).Replace(zshScript)
}

const zshScript = `#compdef gowasmer
# Completion of gowasmer for zsh: source <(gowasmer completion zsh)
_gowasmer() {
    local -a commands
    commands=(
@NAMES@    )
    if (( CURRENT == 2 )); then
        _describe -t commands command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
@CASES@    esac
}
if [[ ${funcstack[1]} == _gowasmer ]]; then
    _gowasmer "$@"
else
    compdef _gowasmer gowasmer
fi
`

// zshQuote quotes a text for the shell.
func zshQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// zshEscape puts backslashes before some characters.
func zshEscape(text, characters string) string {
	for _, c := range characters {
		text = strings.ReplaceAll(text, string(c), "\\"+string(c))
	}
	return text
}
