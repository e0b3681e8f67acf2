-- suspend and resume change spec.suspend, which a sync sets back if Git has the field.
-- drain and undrain write the annotation externalbackend.io/maintenance, which is not in Git.
local isSuspended = obj.spec.suspend == true
local annotations = obj.metadata.annotations or {}
local isDrained = annotations["externalbackend.io/maintenance"] ~= nil

local actions = {}
actions["suspend"] = {
    ["displayName"] = "Suspend",
    ["iconClass"] = "fa fa-fw fa-pause",
    ["disabled"] = isSuspended
}
actions["resume"] = {
    ["displayName"] = "Resume",
    ["iconClass"] = "fa fa-fw fa-play",
    ["disabled"] = not isSuspended
}
actions["drain"] = {
    ["displayName"] = "Drain targets",
    ["iconClass"] = "fa fa-fw fa-arrow-down",
    ["disabled"] = isDrained or isSuspended,
    ["params"] = {
        { ["name"] = "hosts", ["default"] = "" },
        { ["name"] = "hours", ["default"] = "2" }
    }
}
actions["undrain"] = {
    ["displayName"] = "End maintenance",
    ["iconClass"] = "fa fa-fw fa-arrow-up",
    ["disabled"] = not isDrained
}
return actions
