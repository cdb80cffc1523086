using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Vernier.Cli.Tests;

/// <summary>Collects the types of its own assembly that a type mentions, each as the outermost type that holds it.</summary>
internal sealed class TypeMentions(PEReader assembly, MetadataReader metadata) : ISignatureTypeProvider<int, int>
{
    private static readonly FrozenDictionary<ushort, OperandType> Operands = typeof(OpCodes).GetFields().Where(f => f.FieldType == typeof(OpCode))
        .Select(f => (OpCode)f.GetValue(null)!).ToFrozenDictionary(o => (ushort)o.Value, o => o.OperandType);

    private readonly HashSet<TypeDefinitionHandle> _found = [];

    public static TypeDefinitionHandle Outermost(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        while (metadata.GetTypeDefinition(handle).GetDeclaringType() is { IsNil: false } holder)
            handle = holder;
        return handle;
    }

    public HashSet<TypeDefinitionHandle> Of(TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        Add(type.BaseType);
        foreach (var implemented in type.GetInterfaceImplementations())
            Add(metadata.GetInterfaceImplementation(implemented).Interface);
        Add(type.GetCustomAttributes());
        Add(type.GetGenericParameters());
        foreach (var field in type.GetFields().Select(metadata.GetFieldDefinition))
        {
            field.DecodeSignature(this, 0);
            Add(field.GetCustomAttributes());
        }
        foreach (var property in type.GetProperties().Select(metadata.GetPropertyDefinition))
            Add(property.GetCustomAttributes());
        foreach (var method in type.GetMethods().Select(metadata.GetMethodDefinition))
            Add(method);
        return _found;
    }

    private void Add(MethodDefinition method)
    {
        method.DecodeSignature(this, 0);
        Add(method.GetCustomAttributes());
        Add(method.GetGenericParameters());
        foreach (var parameter in method.GetParameters())
            Add(metadata.GetParameter(parameter).GetCustomAttributes());
        if (method.RelativeVirtualAddress == 0)
            return;
        var body = assembly.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
            metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, 0);
        foreach (var region in body.ExceptionRegions)
            Add(region.CatchType);
        Add(body.GetILReader());
    }

    /// <summary>Every token in a body's instructions.</summary>
    private void Add(BlobReader code)
    {
        while (code.RemainingBytes > 0)
        {
            ushort opcode = code.ReadByte();
            if (opcode == 0xFE)
                opcode = (ushort)(opcode << 8 | code.ReadByte());
            switch (Operands[opcode])
            {
                case OperandType.InlineType or OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineTok:
                    Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    var targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                case var operand:
                    code.Offset += Size(operand);
                    break;
            }
        }
    }

    private static int Size(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private void Add(EntityHandle handle)
    {
        if (handle.IsNil)
            return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                _found.Add(Outermost(metadata, (TypeDefinitionHandle)handle));
                break;
            case HandleKind.TypeSpecification:
                metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, 0);
                break;
            case HandleKind.MethodDefinition:
                Add((EntityHandle)metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Add((EntityHandle)metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                Add(metadata.GetMemberReference((MemberReferenceHandle)handle).Parent);
                break;
            case HandleKind.MethodSpecification:
                var method = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                method.DecodeSignature(this, 0);
                Add(method.Method);
                break;
        }
    }

    private void Add(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes)
            Add(metadata.GetCustomAttribute(attribute).Constructor);
    }

    private void Add(GenericParameterHandleCollection parameters)
    {
        foreach (var constraint in parameters.SelectMany(p => metadata.GetGenericParameter(p).GetConstraints()))
            Add(metadata.GetGenericParameterConstraint(constraint).Type);
    }

    // A decoded type is of no interest, only that it was met.
    int ISimpleTypeProvider<int>.GetPrimitiveType(PrimitiveTypeCode typeCode) => 0;

    int ISimpleTypeProvider<int>.GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        Add((EntityHandle)handle);
        return 0;
    }

    int ISimpleTypeProvider<int>.GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => 0;
    int ISZArrayTypeProvider<int>.GetSZArrayType(int elementType) => 0;
    int IConstructedTypeProvider<int>.GetArrayType(int elementType, ArrayShape shape) => 0;
    int IConstructedTypeProvider<int>.GetByReferenceType(int elementType) => 0;
    int IConstructedTypeProvider<int>.GetGenericInstantiation(int genericType, ImmutableArray<int> typeArguments) => 0;
    int IConstructedTypeProvider<int>.GetPointerType(int elementType) => 0;
    int ISignatureTypeProvider<int, int>.GetFunctionPointerType(MethodSignature<int> signature) => 0;
    int ISignatureTypeProvider<int, int>.GetGenericMethodParameter(int genericContext, int index) => 0;
    int ISignatureTypeProvider<int, int>.GetGenericTypeParameter(int genericContext, int index) => 0;
    int ISignatureTypeProvider<int, int>.GetModifiedType(int modifier, int unmodifiedType, bool isRequired) => 0;
    int ISignatureTypeProvider<int, int>.GetPinnedType(int elementType) => 0;

    int ISignatureTypeProvider<int, int>.GetTypeFromSpecification(MetadataReader reader, int genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
    {
        Add((EntityHandle)handle);
        return 0;
    }

}
