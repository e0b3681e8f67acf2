-- Argo CD takes an empty table for unchanged, so the last annotation is removed with the table.
local annotations = obj.metadata.annotations or {}
annotations["externalbackend.io/maintenance"] = nil
if next(annotations) == nil then
    annotations = nil
end
obj.metadata.annotations = annotations
return obj
