//! Names of one language in the style of another.

/// `HostCall` to `host_call`.
pub fn snake(name: &str) -> String {
    let mut result = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            result.push('_');
        }
        result.extend(c.to_lowercase());
    }
    result
}

/// `host_call` to `hostCall`.
pub fn camel(name: &str) -> String {
    let mut result = String::new();
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            result.extend(c.to_uppercase());
            upper = false;
        } else {
            result.push(c);
        }
    }
    result
}

/// `instance_id` and `INSTANCE_ID` to `InstanceID`, as Go exports it.
pub fn pascal(name: &str) -> String {
    let word = |word: &str| match word {
        "id" => "ID".to_string(),
        _ => camel(&format!("_{word}")),
    };
    name.to_lowercase().split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_case() {
        assert_eq!(snake("HostCall"), "host_call");
        assert_eq!(camel("ctx_host_sp"), "ctxHostSp");
        assert_eq!(camel("mutable_"), "mutable");
        assert_eq!(pascal("instance_id"), "InstanceID");
        assert_eq!(pascal("FUNC_REF"), "FuncRef");
    }
}
